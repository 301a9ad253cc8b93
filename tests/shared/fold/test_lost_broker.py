"""The broker loses everything while a worker reads its values: what is in memory by then is written nowhere."""

import shutil
import signal
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy import kafka as kafka_server
from deploy.ports import free_ports
from tests.shared.fold import ward
from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised

pytestmark = pytest.mark.broker


async def test_values_in_memory_that_kafka_lost_are_folded_again(ward_dsn: str, tmp_path: Path) -> None:
    """P1: they must not pass for written, or the events that come again would drop out as known.

    Which check ends the process first depends on what Kafka's group tells it meanwhile; none may let it go on.
    """
    folder, ports = tmp_path / "kafka", free_ports(2)
    broker = kafka_server.start(folder, *ports)
    try:
        async with Ward(broker.bootstrap, ward_dsn, tmp_path) as a_ward:
            first = a_ward.start(instance="one")
            for number in range(8):
                await a_ward.count(number, "one")
            await a_ward.settles()
            assert await first.stop() == 0
            second = a_ward.start(instance="one", hold_recovery=a_ward.flag("refilled"))
            await second.says("tests.recovering")
            a_ward.following.cancel()
            broker.stop(signal.SIGKILL)
            shutil.rmtree(folder / "data")
            broker = kafka_server.start(folder, *ports)
            await a_ward.admin.close()
            a_ward.admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
            await a_ward.admin.start()
            await a_ward.make_topics()
            a_ward.follow()
            await a_ward.refill()
            ward.first_time(a_ward.flag("refilled"))

            assert await second.ends(60) == 70
            assert not second.said("fold.assigned"), "it went on with values that Kafka does not have"
            async with supervised(a_ward):
                await a_ward.settles()
    finally:
        broker.stop(signal.SIGKILL)
