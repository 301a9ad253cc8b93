"""What identifies or describes a person in free text lies sealed in the log and nowhere else."""

import json
from random import randrange
from typing import Any
from uuid import uuid4

from services.intake import examples
from tests.intake.running import Clinic, body

MARKER = "Xylophonia"


def marked(value: Any) -> Any:
    """The body with every text in words replaced by the marker; codes, ids, dates and enums stay."""
    words = {"notes", "text", "reason", "action_taken", "destination", "note", "summary"}
    names = {"family_name", "given_names", "preferred_name", "name", "relation"}
    match value:
        case dict():
            return {key: MARKER if key in words | names else marked(inner) for key, inner in value.items()}
        case list() if value and all(isinstance(one, str) and " " in one for one in value):
            return [MARKER for _ in value]
        case list():
            return [marked(inner) for inner in value]
        case _:
            return value


async def whole_way(clinic: Clinic) -> str:
    """A patient whose every text is the marker."""
    patient, evaluation, episode, plan = (str(uuid4()) for _ in range(4))
    person = marked(body(examples.PATIENT))
    person["identity"]["given_names"] = f"{MARKER} {uuid4().hex}"
    person["contacts"]["phones"] = [f"+1 410 5559876 {randrange(10**9):09}"]
    person["contacts"]["email"] = f"{MARKER}@example.org"
    await clinic.done(await clinic.put(f"patients/{patient}", person, "front_desk"))
    await clinic.done(await clinic.put(f"evaluations/{evaluation}", {"patient_id": patient}))
    for section in examples.SECTIONS.values():
        noted = marked(section["value"]) | {"notes": MARKER}
        accepted = await clinic.done(await clinic.post(f"evaluations/{evaluation}/sections", noted))
    signature = body(examples.SIGNATURE)
    accepted = await clinic.done(
        await clinic.post(f"evaluations/{evaluation}/signature", signature, version=accepted["version"])
    )
    amendment = marked(body(examples.AMENDMENT))
    await clinic.done(await clinic.post(f"evaluations/{evaluation}/amendments", amendment, version=accepted["version"]))
    assessment = uuid4()
    await clinic.done(
        await clinic.put(f"assessments/{assessment}", body(examples.ASSESSMENT, "phq-9", patient_id=patient))
    )
    await clinic.done(
        await clinic.post(f"assessments/{assessment}/danger-sign-closures", marked(body(examples.CLOSURE)))
    )
    await clinic.done(await clinic.post(f"patients/{patient}/detox-gate/referral", marked(body(examples.REFERRAL))))
    admission = body(examples.ADMISSION, patient_id=patient, evaluation_id=evaluation)
    await clinic.done(await clinic.put(f"episodes/{episode}", admission))
    draft = marked(body(examples.PLAN, patient_id=patient, episode_id=episode))
    await clinic.done(await clinic.put(f"plans/{plan}", draft))
    await clinic.done(await clinic.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=1))
    await clinic.done(await clinic.post(f"plans/{plan}/progress-notes", marked(body(examples.PROGRESS))))
    return patient


async def test_no_table_holds_a_persons_words(clinic: Clinic) -> None:
    """The first half of T40: the marker is readable through the API and in no column of any table."""
    patient = await whole_way(clinic)
    assert MARKER in (await clinic.get(f"patients/{patient}")).text
    tables = await clinic.owner.fetch(
        "select table_schema, table_name from information_schema.tables where table_schema in ('log', 'view', 'projection', 'timer')"
    )
    assert len(tables) > 10

    for table in tables:
        name = f"{table['table_schema']}.{table['table_name']}"
        hits = await clinic.owner.fetchval(
            f"select count(*) from {name} as row where row::text ilike $1 or row::text ilike $2",
            f"%{MARKER}%",
            "%5559876%",
        )
        assert hits == 0, name


async def test_an_erased_patient_is_still_a_record_but_nobodys(clinic: Clinic) -> None:
    """T40, T41 for intake: with the key gone the story still folds, without names and notes."""
    patient = await whole_way(clinic)
    await clinic.keyring.destroy(patient)
    clinic.forget_keys()

    record = (await clinic.get(f"patients/{patient}")).json()
    listed = (await clinic.get("patients")).json()
    plan = (await clinic.get(f"plans?patient_id={patient}")).json()["items"][0]["plan_id"]
    sheet = (await clinic.get(f"plans/{plan}")).json()

    assert (record["identity"], record["contacts"]) == (None, None)
    assert listed["items"][0]["identity"] is None
    assert sheet["revisions"][0]["plan"]["problems"][0]["text"] == "[erased]"
    assert MARKER not in json.dumps([record, listed, sheet])
