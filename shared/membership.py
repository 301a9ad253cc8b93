"""How processes join Kafka and leave it: a killed one finds its partitions kept for it, a leaving one waits for nothing."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.settings import Settings

STOP_SECONDS_MAX: Final = 5.0


def instance_of(settings: Settings) -> str | None:
    """Who this process is to Kafka, the same after a restart; None where nothing tells it from its neighbours."""
    return f"{socket.gethostname()}-{settings.http_port}" if settings.http_port else None


def leave_when_stopped(consumer: Any) -> None:
    """Give the partitions back at the stop. They are kept for a session after a kill; here nobody comes back for them."""
    consumer._coordinator._group_instance_id = None  # noqa: SLF001 - aiokafka offers no other way to leave


async def stopped(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop it, within twice STOP_SECONDS_MAX. The library's producer would flush first, for ever if need be: then it is cut off.

    What it had in hand must not arrive later, in a topic that was made anew, before what a new producer sends.
    """
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await client.stop()
            return
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await (client.client if isinstance(client, AIOKafkaProducer) else client._client).close()  # noqa: SLF001 - no other way
            if isinstance(client, AIOKafkaProducer) and client._sender is not None:  # noqa: SLF001
                await client._sender.close()  # noqa: SLF001
