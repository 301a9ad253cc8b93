"""A process that sends the same requests, in order, each time it is started, and says what it was told; it gets killed."""

import asyncio
import sys
from pathlib import Path

import msgspec

from shared.codec import Codec
from shared.database import open_pool
from shared.keyring import Keyring, SiteKeys
from shared.log import Log
from shared.settings import Settings
from tests.shared.log import counter as vocabulary
from tests.shared.log.bench import act, context


async def main(requests: int) -> None:
    """Request n counts on its own stream and on one that all share; four are under way at once."""
    settings = Settings()
    pool = await open_pool(settings.database_dsn, name="test api", connections_max=2)
    keys = await open_pool(settings.keyring_dsn, name="test api", connections_max=2)
    keyring = Keyring(keys, SiteKeys.read(Path(settings.site_keys_file)))
    numbers = iter(range(requests))

    async def client(log: Log) -> None:
        for number in numbers:
            acts = [act(f"own-{number}", remark="sealed"), act("shared")]
            outcome = await log.handle(acts, context(), f"request-{number}", b"%d" % number)
            told = {
                "request": number,
                "replayed": outcome.replayed,
                "stored": outcome.stored,
                "at": outcome.recorded_at,
            }
            sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
            sys.stdout.buffer.flush()

    async with Log(pool, Codec(vocabulary), keyring, settings) as log:
        await asyncio.gather(*(client(log) for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
