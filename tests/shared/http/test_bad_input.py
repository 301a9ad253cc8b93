"""H1: whatever comes in, the answer is a 4xx problem that names the field, and nothing is stored."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract_fuzz import nasty_bodies
from tests.shared.http.running import Small

GOOD = {"patient_id": "0193f0c2-5b7e-7c1a-9a55-3f0d2f6f8a11", "dose_mg": "16", "steps": [{"dose_mg": "8"}]}


async def put(small: Small, content: Any, **headers: str) -> httpx.Response:
    asked = small.headers() | {"Content-Type": "application/json"} | headers
    return await small.client.put(f"/v1/tapers/{uuid4()}", content=content, headers=asked)


def a_problem(answer: httpx.Response) -> dict[str, Any]:
    """Every problem's common part, checked."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("https://evenkeel.example/problems/")
    assert problem["title"]
    assert problem["correlation_id"] == answer.headers["correlation-id"]
    return problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dose_mg": "abc"}, "dose_mg"),
        ({"dose_mg": "-1"}, "dose_mg"),
        ({"dose_mg": "8 mg"}, "dose_mg"),
        ({"dose_mg": "0.0001"}, "dose_mg"),
        ({"dose_mg": "1e9999"}, "dose_mg"),
        ({"dose_mg": "Infinity"}, "dose_mg"),
        ({"dose_mg": None}, "dose_mg"),
        ({"dose_mg": True}, "dose_mg"),
        ({"dose_mg": [8]}, "dose_mg"),
        ({"dose_mg": {"mg": 8}}, "dose_mg"),
        ({"patient_id": "x"}, "patient_id"),
        ({"patient_id": 7}, "patient_id"),
        ({"steps": "8"}, "steps"),
        ({"steps": [{"dose_mg": "8"}, {"dose_mg": "x"}]}, "steps[1].dose_mg"),
        ({"steps": [{}]}, "steps[0].dose_mg"),
        ({"steps": [{"dose_mg": "8", "dose_g": "8"}]}, "steps[0].dose_g"),
        ({"steps": [8]}, "steps[0]"),
        ({"dose": "16"}, "dose"),
        ({"note": ""}, "note"),
        ({"note": "bell \x07"}, "note"),
        ({"note": "nothing \x00"}, "note"),
        ({"note": "half \ud800"}, "note"),
        ({"note": "x" * 8001}, "note"),
    ],
)
async def test_a_wrong_field_is_named_as_the_caller_wrote_it(small: Small, change: dict[str, Any], field: str) -> None:
    before = await small.stored()

    answer = await put(small, json.dumps(GOOD | change))

    assert answer.status_code == 422
    assert a_problem(answer)["field"] == field
    assert await small.stored() == before


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (b'{"dose_mg": NaN}', "dose_mg"),
        (b'{"steps": [{"dose_mg": -Infinity}]}', "steps[0].dose_mg"),
        (b'{"dose_mg": ' + b"9" * 400 + b"}", "dose_mg"),
        (b'{"dose_mg": "8", "dose_mg": "80"}', "dose_mg"),
        (b'{"steps": [{"dose_mg": "8", "dose_mg": "80"}]}', "steps[0].dose_mg"),
        (b'{"steps": [{"note": "\\u0000"}]}', "steps[0].note"),
    ],
)
async def test_what_parsers_disagree_about_is_refused_by_name(small: Small, written: bytes, field: str) -> None:
    answer = await put(small, written)

    assert answer.status_code == 422
    assert a_problem(answer)["field"] == field


async def test_every_wrong_field_is_named_at_once(small: Small) -> None:
    problem = a_problem(await put(small, json.dumps({"dose_mg": "x", "steps": [{}], "zip": 1})))

    assert {error["field"] for error in problem["errors"]} == {"patient_id", "dose_mg", "steps[0].dose_mg", "zip"}


async def test_a_name_written_in_the_wrong_place_is_not_repeated(small: Small) -> None:
    for body in (GOOD | {"Jane Roe": 1}, GOOD | {"dose_mg": "Jane Roe"}, GOOD | {"patient_id": "Jane Roe"}):
        answer = await put(small, json.dumps(body))

        assert answer.status_code == 422
        assert "Jane" not in answer.text
        assert "Roe" not in answer.text


@pytest.mark.parametrize(("kind", "body"), list(nasty_bodies()))
async def test_a_nasty_body_is_the_callers_fault(small: Small, kind: str, body: bytes) -> None:
    before = await small.stored()

    answer = await put(small, body, **{"Content-Type": kind})

    assert 400 <= answer.status_code < 500
    a_problem(answer)
    assert await small.stored() == before


@pytest.mark.parametrize("headers", [{"Content-Type": "text/json"}, {"Content-Type": ""}, {"Content-Encoding": "gzip"}])
async def test_a_body_of_another_kind_is_unsupported(small: Small, headers: dict[str, str]) -> None:
    answer = await put(small, json.dumps(GOOD), **headers)

    assert answer.status_code == 415
    assert a_problem(answer)["field"] in {"Content-Type", "Content-Encoding"}


async def test_a_body_announced_as_too_long_is_refused(small: Small) -> None:
    answer = await put(small, b" " * 10_000_000)

    assert answer.status_code == 413
    assert a_problem(answer)["body_bytes_max"] == 1_048_576


async def test_a_body_without_end_is_refused_while_it_comes(small: Small) -> None:
    reader, writer = await raw_put(small, {"Transfer-Encoding": "chunked"})
    answered = asyncio.create_task(reader.readline())
    sent = 0
    while not answered.done() and sent < 100_000_000:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)
        sent += 0x10000

    assert await answered == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    assert sent < 100_000_000
    writer.close()


async def test_a_body_just_within_the_limit_is_read(small: Small) -> None:
    body = json.dumps(GOOD).encode()

    answer = await put(small, body + b" " * (1_048_576 - len(body)))

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Idempotency-Key", None),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "short"),
        ("Idempotency-Key", "x" * 81),
        ("Idempotency-Key", "with space and more"),
        ("Idempotency-Key", "schlüssel-1"),
        ("Evenkeel-Site", "Riverside"),
        ("Evenkeel-Site", "'; drop table log.event; --"),
        ("Correlation-Id", "7"),
        ("Correlation-Id", "0193f0c25b7e7c1a9a553f0d2f6f8a11"),
    ],
)
async def test_a_header_that_cannot_be_meant_is_named(small: Small, name: str, value: str | None) -> None:
    headers = small.headers() | {"Content-Type": "application/json"}
    headers = {key: one for key, one in headers.items() if key != name}
    raw = [(key.encode(), one.encode()) for key, one in headers.items()]
    raw += [(name.encode(), value.encode())] if value is not None else []
    before = await small.stored()

    answer = await small.client.put(f"/v1/tapers/{uuid4()}", content=json.dumps(GOOD), headers=raw)

    assert answer.status_code == 422
    assert a_problem(answer)["field"] == name
    assert await small.stored() == before


async def test_a_path_that_cannot_be_meant_is_named(small: Small) -> None:
    for path in ("/v1/tapers/7", "/v1/tapers/%00", "/v1/tapers/%ff%fe", "/v1/tapers/" + "x" * 3000):
        answer = await small.client.get(path, headers=small.headers())

        assert answer.status_code == 422
        assert a_problem(answer)["field"] == "taper_id"


async def test_the_routers_own_refusals_are_problems_too(small: Small) -> None:
    missing = await small.client.get("/v1/nothing-here")
    wrong = await small.client.delete(f"/v1/tapers/{uuid4()}")
    slash = await small.client.get("/v1/tapers/", headers=small.headers())

    assert (missing.status_code, wrong.status_code, slash.status_code) == (404, 405, 404)
    assert {a_problem(one)["type"].rsplit("/", 1)[1] for one in (missing, slash)} == {"not-found"}
    assert a_problem(wrong)["type"].endswith("/method-not-allowed")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "PUT"}


async def test_an_unforeseen_error_tells_nothing_but_its_id(small: Small) -> None:
    answer = await small.client.get("/v1/fault", headers=small.headers("operator"))

    assert answer.status_code == 500
    assert a_problem(answer).keys() == {"type", "title", "status", "correlation_id"}
    assert "Roe" not in answer.text


async def test_a_caller_who_hangs_up_in_the_middle_leaves_nothing_behind(small: Small) -> None:
    before = await small.stored()

    _, writer = await raw_put(small, {"Content-Length": "500"})
    writer.write(b'{"patient')
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()

    assert (await small.start()).status_code == 201
    assert await small.stored() == before + 1


async def raw_put(small: Small, headers: dict[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body is still to come."""
    host, port = small.url.removeprefix("http://").split(":")
    asked = small.headers() | {"Content-Type": "application/json", "Host": host} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"PUT /v1/tapers/{uuid4()} HTTP/1.1\r\n{lines}\r\n".encode())
    return reader, writer
