"""A worker that runs but does nothing ends itself; one that works shows only what it should."""

import socket

import httpx
import psutil
import pytest

from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised
from tests.shared.fold.ward import SERVICES
from tests.shared.fold.working import until

pytestmark = pytest.mark.broker

FAUST_WEB_PORT = 6066


async def test_only_our_own_small_port_is_open(a_ward: Ward) -> None:
    """T20: Faust's web server would show the tables; 6066 is closed, and there is one listener: /livez, /readyz, /metrics."""
    worker = a_ward.start()
    await a_ward.count(0, "one")
    await a_ward.settles()
    port = int((await worker.says("fold.starts"))["port"])

    listening = [c.laddr.port for c in psutil.Process(worker.pid).net_connections() if c.status == "LISTEN"]
    assert listening == [port]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", FAUST_WEB_PORT)) != 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        assert 'evenkeel_fold_events_total{outcome="folded"} 1.0' in (await client.get("/metrics")).text
        assert (await client.get("/tables")).status_code == 404


async def test_a_worker_without_a_lane_ends(a_ward: Ward) -> None:
    """T21: two workers, one lane; the second would look alive for ever."""
    async with Ward(a_ward.bootstrap, a_ward.dsn, a_ward.folder, partitions=1) as narrow:
        first = narrow.start()
        await narrow.count(0, "one")
        await narrow.settles()
        second = narrow.start(limits={"unassigned_seconds_max": 4.0})

        assert await second.ends(60) == 70
        assert second.said("fold.dies")[0]["reason"] == "no lane is assigned"
        await narrow.count(0, "two")
        await narrow.settles()
        assert first.process.exitcode is None


async def test_a_worker_that_was_killed_while_the_topics_were_missing_is_given_lanes_again(a_ward: Ward) -> None:
    """P1, T21: its name comes back to the empty assignment that the broker kept for it, and nothing would ever change that."""
    worker = a_ward.start(instance="one")
    await a_ward.count(0, "one")
    await a_ward.settles()
    a_ward.following.cancel()
    await a_ward.admin.delete_topics([*(a_ward.topic(service) for service in SERVICES), a_ward.output])
    await until(lambda: worker.said(f"Ignoring missing topic: '{a_ward.output}'"), 40.0, worker.output.read_text)
    worker.kill()
    await a_ward.make_topics()
    a_ward.follow()
    async with supervised(a_ward, limits={"unassigned_seconds_max": 4.0}):
        await a_ward.refill()
        await a_ward.settles()


async def test_what_a_leader_assigned_without_the_values_is_not_kept_for_whoever_comes_back(a_ward: Ward) -> None:
    """P1, T21: the leader had not seen the new topic yet; under the same name each next process would be given the same."""
    half = a_ward.start(instance="one", half_assigned=True)
    assert await half.ends(60) == 70
    assert half.said("fold.dies")[0]["outputs"] == 0

    async with supervised(a_ward):
        await a_ward.count(0, "one")
        await a_ward.settles()


async def test_a_worker_that_hangs_ends_and_its_event_is_folded_by_the_next(a_ward: Ward) -> None:
    """T21: the event loop stands still."""
    worker = a_ward.start(instance="one", limits={"stuck_seconds_max": 2.0})
    await a_ward.count(0, "hangs", act=f"hang:{a_ward.flag('hung')}")
    await a_ward.producer.flush()

    assert await worker.ends(60) == 70
    assert worker.said("fold.dies")[0]["reason"] in {"the event loop stands still", "there is work and nothing moves"}
    a_ward.start(instance="one")
    await a_ward.settles()


async def test_a_worker_whose_agent_is_gone_ends(a_ward: Ward) -> None:
    """T21: there is work, and nobody takes it."""
    worker = a_ward.start(deaf=True, limits={"stuck_seconds_max": 2.0})
    await a_ward.count(0, "unheard")
    await a_ward.producer.flush()

    assert await worker.ends(60) == 70
    assert worker.said("fold.dies")[0]["reason"] == "there is work and nothing moves"
