"""Over HTTP: findings are recorded, drafts hear what the rules say, blocks and overrides name rule, source and who may."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.medication import order
from services.medication.order import Order
from services.medication.order_signing import approve
from shared.decider import Decider
from shared.log import Act, Context
from tests.medication.running import Clinic
from tests.medication.situations import ASKING
from tests.medication.test_order_signing import APPROVE
from tests.medication.window import ago, give, order_body, signed

APPROVERS = 100


def hours_ago(hours: float) -> str:
    """A moment, as a caller writes it."""
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


async def found(clinic: Clinic, patient: str, fact: str, hours: float = 1, **said: Any) -> str:
    """A finding of the patient; its id."""
    finding = str(uuid4())
    body = {"fact": fact, "observed_at": hours_ago(hours)} | said
    await clinic.done(await clinic.put(f"patients/{patient}/findings/{finding}", body))
    return finding


async def drafted(
    clinic: Clinic, patient: str, product: str, *doses_mg: str, **more: Any
) -> tuple[str, dict[str, Any]]:
    """A draft of the product from today on; its id and the answer."""
    order_id = str(uuid4())
    today = {"starts_on": ago(0), "new_start": True}
    body = order_body(patient_id=patient, product_id=product, split_doses_mg=list(doses_mg), **today | more)
    return order_id, await clinic.done(await clinic.put(f"orders/{order_id}", body))


async def test_a_draft_is_answered_with_what_the_rules_say_and_the_signature_is_refused(clinic: Clinic) -> None:
    patient = str(uuid4())
    await found(clinic, patient, "creatinine_clearance", value="30.0", unit="mL/min")
    order_id, answer = await drafted(clinic, patient, "acamprosate-tablet", "666", "666", "666")
    (said,) = [one for one in answer["checks"] if one["outcome"] == "block"]
    assert (said["rule"], said["may_override"][:6]) == ("acamprosate-renal", "nobody")

    refused = await clinic.post(f"orders/{order_id}/signature", {"rationale": "urgent"}, "prescriber", version=1)
    problem = refused.json()
    assert (refused.status_code, problem["type"].rsplit("/", 1)[1]) == (409, "order-blocked")
    assert (problem["rule"], problem["rule_version"]) == ("acamprosate-renal", 1)
    assert "acamprosate label" in problem["source"]

    await found(clinic, patient, "creatinine_clearance", hours=0.1, value="50.1", unit="mL/min")
    checks = await clinic.get(f"orders/{order_id}/checks")
    assert (checks["outcome"], checks["facts"]["creatinine_clearance"]) == ("allow", "50.1")
    await clinic.done(await clinic.post(f"orders/{order_id}/signature", {}, "prescriber", version=1))
    sheet = await clinic.get(f"orders/{order_id}")
    assert {"policy_id": "acamprosate-renal", "policy_version": 1} in sheet["policies"]
    assert [one["rule"] for one in sheet["checks"]] == ["acamprosate-full-dose"]


async def test_a_retried_draft_is_answered_with_the_same_words(clinic: Clinic) -> None:
    """T31."""
    body = order_body(product_id="acamprosate-tablet", split_doses_mg=["666"])
    order_id, headers = str(uuid4()), clinic.headers("nurse")
    first = await clinic.client.put(f"/v1/orders/{order_id}", json=body, headers=headers)
    await found(clinic, body["patient_id"], "creatinine_clearance", value="80", unit="mL/min")
    again = await clinic.client.put(f"/v1/orders/{order_id}", json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert [one["rule"] for one in first.json()["checks"]] == ["acamprosate-renal-unknown"]
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fact": "mood"}, "fact"),
        ({"fact": "daily_dose", "value": "5", "unit": "mg"}, "fact"),
        ({"fact": "qtc", "value": "430", "unit": "s"}, "unit"),
        ({"fact": "qtc", "value": "NaN", "unit": "ms"}, "value"),
        ({"fact": "qtc", "value": "9000", "unit": "ms"}, "value"),
        ({"fact": "child_pugh", "choice": "D"}, "choice"),
        ({"fact": "qtc", "value": "430", "unit": "ms", "observed_at": hours_ago(-5)}, "observed_at"),
        ({"fact": "qtc", "value": "430", "unit": "ms", "patient": "x"}, "patient"),
    ],
)
async def test_a_bad_finding_names_its_field_and_stores_nothing(
    clinic: Clinic, body: dict[str, Any], field: str
) -> None:
    """H1."""
    before = await clinic.stored()
    refused = await clinic.put(f"patients/{uuid4()}/findings/{uuid4()}", {"observed_at": hours_ago(1)} | body)

    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert await clinic.stored() == before


async def test_a_finding_counts_at_every_site_until_it_is_retracted(clinic: Clinic) -> None:
    patient = str(uuid4())
    finding = await found(clinic, patient, "qtc", value="510", unit="ms")
    (seen,) = (await clinic.get(f"patients/{patient}/findings", site="hilltop"))["items"]
    assert (seen["fact"], seen["value"], seen["unit"]) == ("qtc", "510", "ms")

    await clinic.done(
        await clinic.post(f"patients/{patient}/findings/{finding}/retraction", {"reason": "another patient's"})
    )
    assert (await clinic.get(f"patients/{patient}/findings"))["items"] == []
    assert (await clinic.get(f"patients/{uuid4()}/findings"))["items"] == []


async def asked_to_override(clinic: Clinic) -> str:
    """Methadone for a patient with a long QT; a prescriber has asked to let it through. The order's id."""
    patient = str(uuid4())
    await found(clinic, patient, "qtc", value="510", unit="ms")
    order_id, _ = await drafted(clinic, patient, "methadone-concentrate", "20")
    reason = {"reason": "Cardiology agrees."}
    override = f"orders/{order_id}/overrides/methadone-qtc-500"
    await clinic.done(await clinic.post(override, reason, "prescriber", name="asks"))
    return order_id


async def approve_as(clinic: Clinic, order_id: str, name: str) -> Any:
    """Somebody's approval."""
    place = f"/v1/orders/{order_id}/overrides/methadone-qtc-500/approval"
    return await clinic.client.post(place, headers=clinic.headers("prescriber", name=name))


async def test_an_override_takes_two_people_by_name(clinic: Clinic) -> None:
    order_id = await asked_to_override(clinic)
    refused = await clinic.post(f"orders/{order_id}/signature", {"rationale": "ok"}, "prescriber", version=2)
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (409, "override-needed")
    assert "another person" in refused.json()["may_override"]

    own = await approve_as(clinic, order_id, "asks")
    assert (own.status_code, own.json()["type"].rsplit("/", 1)[1]) == (409, "second-person-needed")
    await clinic.done(await approve_as(clinic, order_id, "agrees"))
    await clinic.done(await clinic.post(f"orders/{order_id}/signature", {}, "prescriber", version=3))
    (override,) = (await clinic.get(f"orders/{order_id}"))["overrides"]
    assert (override["requested_by"], override["approved_by"]) == ("asks", "agrees")


async def test_a_role_that_may_not_is_told_who_may(clinic: Clinic) -> None:
    order_id, _ = await drafted(clinic, str(uuid4()), "buprenorphine-naloxone-film", "36", new_start=False)
    place = f"orders/{order_id}/overrides/buprenorphine-very-high-dose"
    refused = await clinic.post(place, {"reason": "carfentanil"}, "prescriber")

    assert refused.status_code == 403
    assert "medical director" in refused.json()["may_override"]
    assert (await clinic.post(place, {"reason": "carfentanil"}, "nurse")).status_code == 403
    await clinic.done(await clinic.post(place, {"reason": "carfentanil"}, "medical_director"))


async def test_of_a_hundred_approvals_at_once_exactly_one_counts(clinic: Clinic) -> None:
    order_id = await asked_to_override(clinic)
    answers = await asyncio.gather(*(approve_as(clinic, order_id, f"agrees-{number}") for number in range(APPROVERS)))

    assert Counter(one.status_code for one in answers) == {201: 1, 409: APPROVERS - 1}
    refused = {one.json()["type"].rsplit("/", 1)[1] for one in answers if one.status_code == 409}
    assert refused == {"override-already-approved"}
    assert await approvals(clinic, order_id) == 1


def forgetful(state: Order, command: Any, *_: Any) -> Sequence[Any]:
    """The mutant: an approval that does not look whether there is one already."""
    before = state.overrides[command.rule_id]
    return [approve({command.rule_id: replace(before, approved_by=None)}, command)]


async def test_without_the_look_at_what_was_approved_many_count(clinic: Clinic) -> None:
    """The same race with the guard removed, so that the test above is known to bite."""
    order_id = await asked_to_override(clinic)
    mutant = Decider("order", Order(), forgetful, order.evolve)
    command = replace(APPROVE, asking=ASKING)

    async def one(number: int) -> None:
        context = Context(actor=f"agrees-{number}", site_id=clinic.site, correlation_id=uuid4())
        await clinic.log.handle([Act(mutant, UUID(order_id), command)], context, uuid4().hex, b"-")

    await asyncio.gather(*(one(number) for number in range(10)))
    assert await approvals(clinic, order_id) == 10


async def approvals(clinic: Clinic, order_id: str) -> int:
    """How many approvals are on disk."""
    return int(
        await clinic.owner.fetchval(
            "select count(*) from log.event where stream = $1 and type = 'OverrideApproved'", f"order-{order_id}"
        )
    )


async def test_of_methadone_and_naltrexone_signed_at_once_only_one_is(clinic: Clinic) -> None:
    """Two prescribers, two orders that exclude each other, one moment: the second to commit sees the first."""
    patient = str(uuid4())
    one, _ = await drafted(clinic, patient, "methadone-concentrate", "20", new_start=False)
    other, _ = await drafted(clinic, patient, "naltrexone-tablet", "50", new_start=False)
    answers = await asyncio.gather(
        *(clinic.post(f"orders/{each}/signature", {}, "prescriber", version=1) for each in (one, other))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_dose_given_yesterday_blocks_naltrexone_after_the_order_has_ended(clinic: Clinic) -> None:
    order_id = str(uuid4())
    patient = await signed(clinic, order_id)
    await give(clinic, order_id, 1)
    await clinic.done(
        await clinic.post(f"orders/{order_id}/discontinuation", {"reason": "patient_choice"}, "prescriber")
    )
    _, answer = await drafted(clinic, patient, "naltrexone-tablet", "50")

    assert "naltrexone-after-buprenorphine" in {one["rule"] for one in answer["checks"] if one["outcome"] == "block"}


async def test_nobody_signs_or_overrides_at_a_site_that_is_not_theirs(clinic: Clinic) -> None:
    """T50."""
    order_id, _ = await drafted(clinic, str(uuid4()), "methadone-concentrate", "20", new_start=False)
    for path in (
        "signature",
        "overrides/methadone-first-day",
        "overrides/methadone-first-day/approval",
        "discontinuation",
    ):
        body = (
            {"reason": "patient_choice"}
            if path == "discontinuation"
            else {"reason": "x"}
            if path == "overrides/methadone-first-day"
            else {}
        )
        answer = await clinic.post(f"orders/{order_id}/{path}", body, "prescriber", version=1, site="hilltop")
        assert answer.status_code == 404, path
    headers = clinic.headers("prescriber", site="hilltop")
    assert (await clinic.client.get(f"/v1/orders/{order_id}/checks", headers=headers)).status_code == 404
