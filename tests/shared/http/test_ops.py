"""What an operator sees: health, numbers, log lines; and what a service does when it is overloaded or loses its database."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from deploy.processes.serving import serve_ops
from shared import envelope, logs
from shared.health import Finding, Health
from tests.embedded import ServiceDatabase, TestPostgres
from tests.shared.http.running import Small, running
from tests.shared.http.small import SMALL


async def test_the_api_says_that_it_lives_and_is_ready(small: Small) -> None:
    alive = await small.client.get("/livez")
    ready = await small.client.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"alive": True})
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert ready.json()["checks"]["database"]["ready"] is True


async def test_readiness_tells_how_far_the_views_are_behind(small: Small) -> None:
    await small.project()
    for _ in range(3):
        await small.start()

    ready = (await small.client.get("/readyz")).json()

    assert ready["checks"]["views"]["behind_events"]["small_taper"] == 3


async def test_the_numbers_of_requests_are_kept_by_operation(small: Small) -> None:
    await small.start()

    text = (await small.client.get("/metrics")).text

    assert 'evenkeel_http_requests_total{operation="start_taper",status="201"}' in text
    assert 'evenkeel_http_request_seconds_bucket{le="0.1",operation="start_taper"}' in text


async def test_a_worker_shows_its_checks_on_a_port_of_its_own() -> None:
    health = Health()

    async def behind() -> Finding:
        return Finding(ready=True, facts={"lag": 7})

    async def broken() -> Finding:
        raise KeyError("Jane Roe")

    async def stuck() -> Finding:
        await asyncio.sleep(60)
        return Finding(ready=True)

    health["relay"] = behind
    async with (
        serve_ops(health, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        ready = await client.get("/readyz")
        health["broken"] = broken
        health["stuck"] = stuck
        not_ready = await client.get("/readyz")
        alive = await client.get("/livez")

    assert (ready.status_code, ready.json()["checks"]) == (200, {"relay": {"ready": True, "lag": 7}})
    assert (not_ready.status_code, alive.status_code) == (503, 200)
    assert not_ready.json()["checks"] == {
        "relay": {"ready": True, "lag": 7},
        "broken": {"ready": False, "error": "KeyError"},
        "stuck": {"ready": False, "error": "no answer in time"},
    }


async def test_a_taken_port_is_an_error_that_names_itself() -> None:
    async with serve_ops(Health(), "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="in use"):
            async with serve_ops(Health(), "127.0.0.1", port):
                pass


async def test_beyond_its_limit_a_request_is_told_to_come_again(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limits: dict[str, Any] = {"requests_in_flight_max": 10, "consistency_wait_seconds": 1}
    async with running(database, tmp_path_factory.mktemp("busy"), **limits) as small:
        headers = small.headers() | {"Consistency-Token": "small=3:9000000"}
        answers = await asyncio.gather(*(small.client.get("/v1/tapers", headers=headers) for _ in range(30)))

        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 20
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert all(answer.json()["type"].endswith("/busy") for answer in refused)
        assert {answer.status_code for answer in answers} == {200, 503}
        assert (await small.client.get("/livez")).status_code == 200
        assert (await small.start()).status_code == 201


async def test_a_caller_who_floods_is_told_so_while_others_are_served(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limits: dict[str, Any] = {"requests_in_flight_per_caller_max": 10, "consistency_wait_seconds": 1}
    async with running(database, tmp_path_factory.mktemp("flooded"), **limits) as small:
        waiting = small.headers() | {"Consistency-Token": "small=3:9000000"}
        flood = asyncio.gather(*(small.client.get("/v1/tapers", headers=waiting) for _ in range(30)))
        await asyncio.sleep(0.2)
        other = await small.client.get("/v1/tapers", headers=small.headers("prescriber"))
        answers = await flood

        assert other.status_code == 200
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 20
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert refused[0].json()["type"].endswith("/too-many-at-once")
        assert (await small.client.get("/v1/tapers", headers=small.headers())).status_code == 200


async def test_without_its_database_the_api_is_busy_not_broken_and_comes_back(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = await postgres.service_database("small", [SMALL.migrations])
    async with running(database, tmp_path_factory.mktemp("lost")) as small:
        assert (await small.start()).status_code == 201
        await small.admin.execute("alter role small_api connection limit 0")
        try:
            await small.admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'small_api' and datname = $1",
                database.name,
            )
            during = [await small.start() for _ in range(3)]
            during.append(await small.client.get("/v1/tapers", headers=small.headers()))
            ready = await small.client.get("/readyz")
        finally:
            await small.admin.execute("alter role small_api connection limit -1")

        assert {answer.status_code for answer in during} == {503}, [answer.text for answer in during]
        assert ready.status_code == 503
        after = [await small.start() for _ in range(20)]
        assert after[-1].status_code == 201


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """Log lines as a process writes them."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.BytesIO()
    logs.configure("small", "api", "info", out)
    monkeypatch.setattr(envelope, "log", structlog.get_logger())  # the module's own is bound to where it wrote first
    yield out
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def test_a_log_line_says_which_error_and_where_but_not_its_words(lines: io.BytesIO) -> None:
    try:
        _ = dict[str, str]()["Jane Roe"]
    except KeyError:
        structlog.get_logger().exception("request.failed", operation="start_taper")
        logging.getLogger("somebody.else").exception("it broke")

    written = [json.loads(line) for line in lines.getvalue().splitlines()]

    assert [line["event"] for line in written] == ["request.failed", "it broke"]
    assert {line["error"] for line in written} == {"builtins.KeyError"}
    assert all(line["passed"][0].startswith("test_ops.py") for line in written)
    assert {(line["service"], line["process"], line["level"]) for line in written} == {("small", "api", "error")}
    assert b"Jane" not in lines.getvalue()


async def test_lines_wait_a_moment_in_a_running_loop_and_none_is_lost(lines: io.BytesIO) -> None:
    log = structlog.get_logger()
    log.info("first")
    log.warning("second")
    log.info("third")
    await asyncio.sleep(0.3)

    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == ["first", "second", "third"]


async def test_a_requests_line_has_ids_and_no_content(small: Small, lines: io.BytesIO) -> None:
    correlation = str(uuid4())

    await small.start(headers={"Correlation-Id": correlation})
    await small.client.get("/v1/tapers?dose=JaneRoe", headers=small.headers())
    await small.client.get("/v1/fault", headers=small.headers("operator"))
    await asyncio.sleep(0.3)

    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    first = next(line for line in written if line.get("operation") == "start_taper")
    assert (
        first.items()
        >= {
            "event": "request",
            "status": 201,
            "caller": "nurse-1",
            "site": small.site,
            "correlation_id": correlation,
        }.items()
    )
    assert {"request.failed", "request"} == {line["event"] for line in written if "operation" in line}
    assert b"Roe" not in lines.getvalue()
