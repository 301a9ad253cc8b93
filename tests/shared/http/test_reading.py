"""Queries over HTTP: as new as the caller asks, only the caller's sites, in pages that skip nothing."""

import asyncio
import random
import secrets
import time
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from tests.embedded import ServiceDatabase
from tests.shared.http.running import Small, running


async def listed(small: Small, token: str) -> list[str]:
    answer = await small.client.get("/v1/tapers", headers=small.headers() | {"Consistency-Token": token})
    assert answer.status_code == 200
    assert answer.headers["consistency"] == "current"
    return [taper["taper_id"] for taper in answer.json()["items"]]


async def test_a_writer_reads_what_was_written_a_thousand_times_under_load(small: Small) -> None:
    """T33: the projector runs on its own beside 1,000 writes, each read back at once with its token."""
    done = asyncio.Event()

    async def projector() -> None:
        while not done.is_set():
            await small.project()
            await asyncio.sleep(random.uniform(0, 0.02))

    async def writer(many: int) -> None:
        for _ in range(many):
            taper_id = uuid4()
            answer = await small.start(taper_id)
            headers = small.headers() | {"Consistency-Token": answer.headers["consistency-token"]}
            read = await small.client.get(f"/v1/tapers/{taper_id}", headers=headers)
            assert (read.status_code, read.headers["consistency"]) == (200, "current"), read.text

    projecting = asyncio.create_task(projector())
    await asyncio.gather(*(writer(50) for _ in range(20)))
    done.set()
    await projecting


async def test_a_query_that_waits_in_vain_is_stale_and_says_by_how_much(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """T34: a timeout answers stale, never 500."""
    async with running(database, tmp_path_factory.mktemp("stale"), consistency_wait_seconds=0.2) as small:
        await small.project()
        answer = await small.start()
        service, place = answer.headers["consistency-token"].split("=")
        lane, position = place.split(":")
        token = f"{service}={lane}:{int(position) + 4}"

        started = time.monotonic()
        read = await small.client.get("/v1/tapers", headers=small.headers() | {"Consistency-Token": token})

        assert read.status_code == 200
        assert read.headers["consistency"] == "stale"
        assert read.headers["consistency-lag"] == "5"
        assert 0.2 <= time.monotonic() - started < 2


async def test_five_hundred_waiters_cost_a_few_queries_a_second(
    database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """T34: all of them are released by the projector's one notice."""
    limits = {"consistency_wait_seconds": 20, "requests_in_flight_per_caller_max": 500}
    async with running(database, tmp_path_factory.mktemp("many"), **limits) as small:
        await small.project()
        headers = small.headers() | {"Consistency-Token": (await small.start()).headers["consistency-token"]}
        waiting = [asyncio.create_task(small.client.get("/v1/tapers", headers=headers)) for _ in range(500)]
        for _ in range(400):
            if counted("evenkeel_consistency_waiters") == 500:
                break
            await asyncio.sleep(0.05)

        looks = counted("evenkeel_consistency_looks_total")
        await asyncio.sleep(2)
        while_waiting = counted("evenkeel_consistency_looks_total") - looks
        assert not any(task.done() for task in waiting)
        await small.project()
        answers = await asyncio.gather(*waiting)

        assert {answer.headers["consistency"] for answer in answers} == {"current"}
        assert 1 <= while_waiting <= 10


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def test_without_a_notice_the_watcher_looks_by_itself(small: Small) -> None:
    """T34."""
    await small.project()
    taper_id = uuid4()
    token = (await small.start(taper_id)).headers["consistency-token"]
    waiting = asyncio.create_task(listed(small, token))
    await asyncio.sleep(0.1)

    await small.project(notify=False)

    assert await waiting == [str(taper_id)]


async def test_the_watcher_survives_the_loss_of_its_connection(small: Small) -> None:
    """T34."""
    token = (await small.start()).headers["consistency-token"]
    await small.project()
    await listed(small, token)
    await small.admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'small_api' and query ilike '%checkpoint%'"
    )
    taper_id = uuid4()
    token = (await small.start(taper_id)).headers["consistency-token"]
    await small.project()

    async def current() -> bool:
        answer = await small.client.get("/v1/tapers", headers=small.headers() | {"Consistency-Token": token})
        assert answer.status_code == 200
        return answer.headers["consistency"] == "current"

    assert await current() or await current()


@pytest.mark.parametrize(
    "token", ["x", "small", "small=1", "small=1:x", "=1:2", "small=1:99999999999999999999", "small=1:2,,", "3:4"]
)
async def test_a_token_that_cannot_be_read_is_refused(small: Small, token: str) -> None:
    answer = await small.client.get("/v1/tapers", headers=small.headers() | {"Consistency-Token": token})

    assert answer.status_code == 422
    assert answer.json()["field"] == "Consistency-Token"


async def test_a_token_of_a_service_that_the_view_does_not_follow_needs_no_waiting(small: Small) -> None:
    headers = small.headers() | {"Consistency-Token": "elsewhere=3:9000"}

    answer = await small.client.get("/v1/tapers", headers=headers)

    assert (answer.status_code, answer.headers["consistency"]) == (200, "current")


async def test_pages_skip_nothing_and_repeat_nothing(small: Small) -> None:
    wanted = [uuid4() for _ in range(23)]
    for taper_id in wanted:
        await small.start(taper_id)
    await small.project()
    found: list[str] = []
    cursor: str | None = None

    while True:
        query = {"limit": "5"} | ({"cursor": cursor} if cursor else {})
        page = (await small.client.get("/v1/tapers", params=query, headers=small.headers())).json()
        found += [taper["taper_id"] for taper in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert found == [str(taper_id) for taper_id in wanted]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=zz", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"),
        ("dose_mg=abc", "dose_mg"),
        ("dose_mg=NaN", "dose_mg"),
        ("dose_mg=1e400", "dose_mg"),
        ("dose=8", "dose"),
        ("dose_mg=%00", "dose_mg"),
        ("dose_mg=%ff", "dose_mg"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused_by_name(small: Small, query: str, field: str) -> None:
    """H1."""
    answer = await small.client.get(f"/v1/tapers?{query}", headers=small.headers())

    assert answer.status_code == 422
    assert answer.json()["field"] == field


async def test_a_cursor_of_another_list_is_refused(small: Small) -> None:
    for _ in range(2):
        await small.start()
    await small.project()
    page = (await small.client.get("/v1/tapers?limit=1", headers=small.headers())).json()

    stranger = "A" + page["next"][1:]
    answer = await small.client.get(f"/v1/tapers?limit=1&cursor={stranger}", headers=small.headers())

    assert answer.status_code == 422


async def test_a_stream_is_read_as_it_stands_without_waiting(small: Small) -> None:
    taper_id = uuid4()
    await small.start(taper_id)
    await small.reduce(taper_id, "12.5")

    answer = await small.client.get(f"/v1/tapers/{taper_id}/now", headers=small.headers())

    assert answer.json() == {"dose_mg": "12.5", "version": 2}


async def test_no_query_shows_another_sites_rows(small: Small) -> None:
    """T50: rows of many sites; whoever asks sees those of their sites in every way of asking, and no others."""
    sites = [f"wall-{secrets.token_hex(4)}" for _ in range(4)]
    tapers: dict[str, UUID] = {}
    for site in sites:
        small.site = site
        tapers[site] = uuid4()
        await small.start(tapers[site])
    await small.project()

    for mine in ([0], [1], [0, 2], [1, 2, 3]):
        own = tuple(sites[place] for place in mine)
        headers = small.headers("network_manager", sites=own)
        page = (await small.client.get("/v1/tapers", headers=headers)).json()
        assert {taper["site_id"] for taper in page["items"]} == set(own)
        for site, taper_id in tapers.items():
            expected = 200 if site in own else 404
            assert (await small.client.get(f"/v1/tapers/{taper_id}", headers=headers)).status_code == expected
            assert (await small.client.get(f"/v1/tapers/{taper_id}/now", headers=headers)).status_code == expected

    everywhere = small.headers("network_manager", sites=("*",))
    for taper_id in tapers.values():
        assert (await small.client.get(f"/v1/tapers/{taper_id}", headers=everywhere)).status_code == 200


async def test_the_database_itself_walls_off_the_sites(small: Small) -> None:
    """T50: the API's role sees nothing without a site, and cannot write views or step around the wall."""
    await small.start()
    await small.project()
    pool = small.app.resources.pool
    async with pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from view.small_taper") == 0
        async with connection.transaction():
            await connection.execute("select set_config('evenkeel.sites', $1, true)", small.site)
            assert await connection.fetchval("select count(*) from view.small_taper") == 1
        assert await connection.fetchval("select count(*) from view.small_taper") == 0
        for forbidden in (
            "delete from view.small_taper",
            "update view.small_taper set site_id = 'x'",
            "alter table view.small_taper disable row level security",
            "set role small_worker",
        ):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                await connection.execute(forbidden)
    assert await small.worker.fetchval("select count(*) from view.small_taper") > 0


async def test_a_number_is_exact_on_its_way(small: Small) -> None:
    taper_id = uuid4()
    await small.start(taper_id)
    await small.reduce(taper_id, "12.125")
    await small.project()

    rows = (await small.client.get("/v1/tapers?dose_mg=12.125", headers=small.headers())).json()["items"]

    assert [Decimal(row["dose_mg"]) for row in rows] == [Decimal("12.125")]
