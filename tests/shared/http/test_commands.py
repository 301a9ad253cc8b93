"""Commands over HTTP: on disk when answered, once per key, and only on what the caller saw."""

import asyncio
from uuid import UUID, uuid4

import pytest

from tests.shared.http.running import Small


async def test_a_command_is_on_disk_when_it_is_answered(small: Small) -> None:
    taper_id = uuid4()

    answer = await small.start(taper_id)

    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    accepted = answer.json()
    row = await small.owner.fetchrow(
        "select * from log.event where event_id = $1", UUID(accepted["events"][0]["event_id"])
    )
    assert row is not None
    assert accepted["stream"] == row["stream"] == f"smalltaper-{taper_id}"
    assert accepted["version"] == row["version"] == 1
    assert answer.headers["consistency-token"] == f"small={row['lane']}:{row['position']}"
    assert (row["actor"], row["site_id"]) == ("nurse-1", small.site)
    assert "Jane Roe" not in row["data"]


async def test_the_callers_ids_go_into_the_log(small: Small) -> None:
    correlation, trace = str(uuid4()), "4bf92f3577b34da6a3ce929d0e0e4736"

    answer = await small.start(
        headers={"Correlation-Id": correlation, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )

    row = await small.owner.fetchrow(
        "select correlation_id, traceparent from log.event where event_id = $1", answer.json()["events"][0]["event_id"]
    )
    assert row is not None
    assert str(row["correlation_id"]) == correlation == answer.headers["correlation-id"]
    assert row["traceparent"] == answer.headers["traceparent"]
    assert row["traceparent"].split("-")[1] == trace
    assert row["traceparent"].split("-")[2] != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "given", ["", "00-1-2-3", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "zz-" + "a" * 32 + "-" + "b" * 16 + "-01"]
)
async def test_a_trace_that_cannot_be_read_is_replaced(small: Small, given: str) -> None:
    answer = await small.start(headers={"traceparent": given})

    assert answer.headers["traceparent"].split("-")[1] == answer.headers["correlation-id"].replace("-", "")


async def test_a_retry_gets_the_same_answer_and_has_no_second_effect(small: Small) -> None:
    """T31: also when the view has caught up meanwhile, so that a look-up before deciding would refuse."""
    taper_id, key = uuid4(), uuid4().hex
    body = {"patient_id": str(uuid4()), "dose_mg": "16"}
    headers = small.headers() | {"Idempotency-Key": key}
    first = await small.client.put(f"/v1/tapers/{taper_id}", json=body, headers=headers)
    await small.project()
    before = await small.stored()

    second = await small.client.put(f"/v1/tapers/{taper_id}", json=body, headers=headers)

    assert (second.status_code, second.json()) == (first.status_code, first.json()) == (201, first.json())
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["consistency-token"] == first.headers["consistency-token"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await small.stored() == before


async def test_a_retry_of_a_conditional_command_is_not_stale(small: Small) -> None:
    """T31: the version has moved on by the first try itself."""
    taper_id = uuid4()
    await small.start(taper_id)
    key = {"Idempotency-Key": uuid4().hex}
    first = await small.reduce(taper_id, "12", headers=key)

    second = await small.reduce(taper_id, "12", headers=key)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


async def test_the_same_key_with_another_body_is_refused(small: Small) -> None:
    """T31."""
    taper_id, key = uuid4(), {"Idempotency-Key": uuid4().hex}
    await small.start(taper_id)
    await small.reduce(taper_id, "12", headers=key)

    for answer in (
        await small.reduce(taper_id, "10", version=2, headers=key),
        await small.start(uuid4(), headers=key),
    ):
        assert answer.status_code == 422
        assert answer.json()["field"] == "Idempotency-Key"
        assert answer.json()["type"].endswith("/key-reused")


async def test_another_callers_key_is_another_key(small: Small) -> None:
    taper_id, key = uuid4(), {"Idempotency-Key": uuid4().hex}
    await small.start(taper_id)
    await small.reduce(taper_id, "12", headers=key)

    headers = small.headers("prescriber", If_Match='"2"') | key
    body = {"dose_mg": "10", "effective_on": "2026-03-02"}
    answer = await small.client.post(f"/v1/tapers/{taper_id}/dose-reductions", json=body, headers=headers)

    assert answer.status_code == 201


async def test_one_of_many_requests_with_one_key_has_the_effect(small: Small) -> None:
    """T31: those at the same time are told that the first is at work, or get its answer."""
    taper_id, key = uuid4(), {"Idempotency-Key": uuid4().hex}
    await small.start(taper_id)
    before = await small.stored()

    answers = await asyncio.gather(*(small.reduce(taper_id, "12", headers=key) for _ in range(20)))

    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {
        "https://evenkeel.example/problems/key-in-flight"
    }
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert await small.stored() == before + 1


async def test_a_refused_command_may_be_tried_again_with_its_key(small: Small) -> None:
    taper_id, key = uuid4(), {"Idempotency-Key": uuid4().hex}
    refused = await small.reduce(taper_id, "12", headers=key)
    await small.start(taper_id)

    answer = await small.reduce(taper_id, "12", headers=key)

    assert refused.status_code == 412
    assert answer.status_code == 201


async def test_a_command_that_changes_nothing_answers_the_version(small: Small) -> None:
    taper_id, key = uuid4(), {"Idempotency-Key": uuid4().hex}
    await small.start(taper_id)

    first = await small.reduce(taper_id, "16", headers=key)
    second = await small.reduce(taper_id, "16", headers=key)

    assert first.status_code == second.status_code == 201
    assert (first.json()["events"], first.json()["version"]) == ([], 1)
    assert first.json() == second.json()
    assert "consistency-token" not in first.headers


async def test_without_the_version_nothing_is_decided(small: Small) -> None:
    """T32: If-Match is missing."""
    taper_id = uuid4()
    await small.start(taper_id)
    headers = small.headers()

    answer = await small.client.post(
        f"/v1/tapers/{taper_id}/dose-reductions", json={"dose_mg": "8", "effective_on": "2026-03-02"}, headers=headers
    )

    assert answer.status_code == 428
    assert answer.json()["field"] == "If-Match"


async def test_a_version_that_has_moved_on_is_refused(small: Small) -> None:
    """T32: If-Match is stale; the problem says both versions."""
    taper_id = uuid4()
    await small.start(taper_id)
    await small.reduce(taper_id, "12")

    answer = await small.reduce(taper_id, "8", version=1)

    assert answer.status_code == 412
    assert (answer.json()["expected"], answer.json()["version"]) == (1, 2)


@pytest.mark.parametrize("given", ["3", '"x"', "*", 'W/"1"', '"1", "2"', '"' + "9" * 30 + '"'])
async def test_a_version_in_another_form_is_refused(small: Small, given: str) -> None:
    """T32."""
    taper_id = uuid4()
    await small.start(taper_id)
    before = await small.stored()

    answer = await small.reduce(taper_id, "8", headers={"If-Match": given})

    assert answer.status_code == 422
    assert answer.json()["field"] == "If-Match"
    assert await small.stored() == before
