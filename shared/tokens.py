"""How new a reader wants to see: `medication=3:1234` is position 1234 of lane 3 in medication's log."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from shared.failures import Invalid

HEADER: Final = "Consistency-Token"
ENTRIES_MAX: Final = 64
POSITION_MAX: Final = 2**63 - 1
_ENTRY = re.compile(r"\s*(?:([a-z][a-z0-9-]{0,39})=)?(\d{1,4}):(\d{1,19})\s*", re.ASCII)

type Positions = Mapping[tuple[str, int], int]
"""(service, lane) to the position that must have been reached."""


def write(service: str, places: Iterable[tuple[int, int]]) -> str:
    """The token of the (lane, position) places that one answer wrote: the newest of each lane."""
    newest: dict[int, int] = {}
    for lane, position in places:
        newest[lane] = max(position, newest.get(lane, 0))
    return ",".join(f"{service}={lane}:{position}" for lane, position in sorted(newest.items()))


def read(text: str) -> dict[tuple[str, int], int]:
    """The places in a token, or in several joined by commas; `medication=3:7,5:9` is short for naming it twice.

    Raises Invalid.
    """
    entries = text.split(",", ENTRIES_MAX)
    if len(entries) > ENTRIES_MAX:
        raise Invalid(f"A token has at most {ENTRIES_MAX} places", field=HEADER)
    service: str | None = None
    asked: dict[tuple[str, int], int] = {}
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        service = (found and found[1]) or service
        if not found or service is None or int(found[3]) > POSITION_MAX:
            raise Invalid("A token reads `service=lane:position`", field=HEADER)
        place = service, int(found[2])
        asked[place] = max(int(found[3]), asked.get(place, 0))
    return asked
