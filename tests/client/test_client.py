"""The client against a server that answers as told: what is sent again, with which key, and what comes out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.processes.serving import serving
from evenkeel.client import PLACES_MAX, Client, Problem, Unanswered

PATIENT = "/v1/patients/1"
type Told = tuple[int, dict[str, str], Any]
BUSY: Told = (503, {"content-type": "application/problem+json"}, {"type": "…/busy", "title": "Busy"})
ACCEPTED: Told = (201, {"consistency-token": "intake=3:7", "etag": '"2"'}, {"version": 2})


class Scripted:
    """An ASGI application that answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: Told) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in ("startup", "shutdown"):
                await send({"type": f"{(await receive())['type']}.complete"})
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(headers | {"at": f"{scope['path']}?{scope['query_string'].decode()}"})
        status, named, body = self.answers.pop(0)
        raw = [(name.encode(), value.encode()) for name, value in named.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@asynccontextmanager
async def calling(app: Scripted, **how: Any) -> AsyncIterator[Client]:
    async with (
        serving(app, "127.0.0.1", 0) as port,
        Client({"intake": f"http://127.0.0.1:{port}"}, "token", "riverside", **how) as client,
    ):
        yield client


async def test_what_was_busy_is_sent_again_with_the_same_key() -> None:
    app = Scripted(BUSY, BUSY, ACCEPTED)
    async with calling(app) as client:
        answer = await client.command("PUT", "intake", PATIENT, {})

    assert (answer.status, answer.version, client.retries) == (201, 2, 2)
    assert len({asked["idempotency-key"] for asked in app.asked}) == 1
    assert app.asked[0]["evenkeel-site"] == "riverside"


async def test_the_pause_is_as_long_as_the_service_asks() -> None:
    status, headers, body = BUSY
    app = Scripted((status, headers | {"retry-after": "60"}, body), ACCEPTED)
    async with calling(app, answer_seconds_max=0.2) as client:
        # One minute is longer than this client waits: it gives up at once, and says what the service said.
        with pytest.raises(Problem, match="Busy"):
            await client.command("PUT", "intake", PATIENT, {})
    assert len(app.asked) == 1


async def test_a_refusal_is_not_sent_again_and_names_the_field() -> None:
    said = {"type": "https://evenkeel.example/problems/invalid", "detail": "Not a date", "field": "birth_date"}
    app = Scripted((422, {"content-type": "application/problem+json"}, said))
    async with calling(app) as client:
        with pytest.raises(Problem) as refused:
            await client.command("PUT", "intake", PATIENT, {})
    assert (refused.value.status, refused.value.kind, refused.value.field) == (422, "invalid", "birth_date")
    assert len(app.asked) == 1


async def test_a_query_names_what_was_written_and_tells_when_the_answer_is_older() -> None:
    """T33"""
    app = Scripted(ACCEPTED, (200, {"consistency": "stale", "consistency-lag": "3"}, {}))
    async with calling(app) as client:
        await client.command("PUT", "intake", PATIENT, {})
        found = await client.query("intake", PATIENT)
    assert app.asked[1]["consistency-token"] == "intake=3:7"
    assert found.stale == 3


async def test_what_was_written_and_is_not_shown_yet_is_asked_for_again() -> None:
    """T34"""
    absent: Told = (404, {"consistency": "stale", "content-type": "application/problem+json"}, {})
    app = Scripted(ACCEPTED, absent, (200, {"consistency": "current"}, {"name": "Anna"}))
    async with calling(app) as client:
        await client.command("PUT", "intake", PATIENT, {})
        assert (await client.query("intake", PATIENT)).body == {"name": "Anna"}


async def test_a_token_stays_short_and_the_newest_position_of_a_lane_counts() -> None:
    places = [f"intake={lane}:{lane + 1}" for lane in range(PLACES_MAX + 5)]
    newer: Told = (201, {"consistency-token": "intake=7:90,intake=7:80"}, {})
    app = Scripted(*((201, {"consistency-token": place}, {}) for place in places), newer, (200, {}, {}))
    async with calling(app) as client:
        for _ in (*places, newer):
            await client.command("PUT", "intake", PATIENT, {})
        await client.query("intake", PATIENT)
    sent = app.asked[-1]["consistency-token"].split(",")
    assert len(sent) == PLACES_MAX
    assert sent[-1] == "intake=7:90"
    assert "intake=0:1" not in sent


async def test_every_page_is_read() -> None:
    pages = ({"items": [{"n": 1}, {"n": 2}], "next": "c1"}, {"items": [{"n": 3}], "next": None})
    app = Scripted(*((200, {}, page) for page in pages))
    async with calling(app) as client:
        found = [row["n"] async for row in client.rows("intake", "/v1/patients?limit=2")]
    assert found == [1, 2, 3]
    assert app.asked[1]["at"] == "/v1/patients?limit=2&cursor=c1"


async def test_nobody_there_is_said_so() -> None:
    async with Client({"intake": "http://127.0.0.1:1"}, "token", answer_seconds_max=0.3) as client:
        with pytest.raises(Unanswered, match="GET intake/v1/patients"):
            await client.query("intake", PATIENT)
        assert client.retries >= 1
