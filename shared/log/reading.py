"""Reading the log itself: one stream's story, or a lane from a position on."""

from dataclasses import fields
from typing import Final

from shared.codec import Codec
from shared.database import Pool, Record
from shared.event import AnyRecorded, Recorded
from shared.failures import NotFound
from shared.keyring import Keyring

COLUMNS: Final = (
    "lane, position, stream, version, event_id, type, schema_version, key, site_id, patient_id, effective_at, recorded_at, "
    "corrects, actor, correlation_id, causation_id, traceparent, data::text as data, sealed"
)

_STORY: Final = f"select {COLUMNS} from log.event where stream = $1 order by version"  # noqa: S608 - columns are ours
_ABOUT: Final = [one.name for one in fields(Recorded) if one.name not in {"service", "data"}]


def recorded(service: str, codec: Codec, row: Record, personal: bytes | None = None) -> AnyRecorded:
    """A row of `log.event` as an event; `personal` is what was sealed, opened, or None."""
    about = {name: row[name] for name in _ABOUT}
    return Recorded(
        service=service, data=codec.decode(row["type"], row["schema_version"], row["data"], personal), **about
    )


async def story(
    source: Pool, codec: Codec, stream: str, sites: frozenset[str] | None, keyring: Keyring | None
) -> list[AnyRecorded]:
    """One stream's events, oldest first, the personal fields opened by `keyring`.

    Raises NotFound, also for a stream of a site that the caller does not see.
    """
    rows = await source.fetch(_STORY, stream)
    if not rows or (sites is not None and rows[0]["site_id"] not in sites):
        raise NotFound
    return [recorded(codec.service, codec, row, await _personal(keyring, row)) for row in rows]


async def _personal(keyring: Keyring | None, row: Record) -> bytes | None:
    if keyring is None or row["sealed"] is None:
        return None
    return await keyring.open(row["key"], row["event_id"], row["sealed"])
