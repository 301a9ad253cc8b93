"""What has to be true before a process may start: each thing that is not is said in one sentence."""

import asyncio
from importlib import import_module
from typing import Final

from deploy.topics import drift
from shared.database import connect

POSTGRES_VERSION_MIN: Final = 17
# Without these an answer could promise what a power cut takes back.
DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")
WORDS: Final = b"Kafka's record batches are packed with zstd. " * 8


async def faults(kafka: str, postgres: str) -> list[str]:
    """Everything that stands in the way of a start. `postgres` is a DSN of its server."""
    of_topics, of_server = await asyncio.gather(topic_faults(kafka), server_faults(postgres))
    return library_faults() + of_topics + of_server


async def topic_faults(kafka: str) -> list[str]:
    """Topics that would lose events or mix patients up: missing, partitioned or cleaned otherwise than declared (T23)."""
    return [str(one) for one in await drift(kafka) if one.harmful]


async def server_faults(dsn: str) -> list[str]:
    """A PostgreSQL that is too old, does not keep UTF-8, or says "committed" before it is on disk."""
    connection = await connect(dsn, name="preflight")
    try:
        rows = await connection.fetch("select name, setting from pg_settings where name = any($1)", list(DURABLE))
        version, encoding = await connection.fetchrow(
            "select current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
        )
    finally:
        await connection.close()
    found = [f"PostgreSQL: {row['name']} is off" for row in rows if row["setting"] == "off"]
    if version < POSTGRES_VERSION_MIN:
        found.append(f"PostgreSQL: version {version}, at least {POSTGRES_VERSION_MIN} is needed")
    if encoding != "UTF8":
        found.append(f"PostgreSQL: its encoding is {encoding}, UTF8 is needed")
    return found


def library_faults() -> list[str]:
    """A codec or a compiled part that this Python lacks (T25, T26): without it batches are slow, or cannot be read."""
    found = []
    try:
        import_module("aiokafka.record._crecords")
    except ImportError:
        found.append("aiokafka: its compiled part cannot be loaded")
    try:
        cramjam = import_module("cramjam")
        is_whole = bytes(cramjam.zstd.decompress(cramjam.zstd.compress(WORDS))) == WORDS
    except (ImportError, AttributeError):
        is_whole = False
    if not is_whole:
        found.append("cramjam: zstd does not work")
    return found
