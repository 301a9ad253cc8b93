"""What a process remembers of streams, so that deciding costs no loading; every batch asks what happened since."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from shared.codec import Codec
from shared.database import Record
from shared.decider import Decider
from shared.failures import NotFound


@dataclass(frozen=True, slots=True)
class Known:
    """A stream as of `version`: its state, and whose it is."""

    version: int
    state: Any
    site_id: str | None = None
    key: str | None = None
    patient_id: UUID | None = None

    def visible_from(self, sites: frozenset[str] | None) -> bool:
        """Whether a caller with these sites may know of it; an absent stream is nobody's yet."""
        return sites is None or self.site_id is None or self.site_id in sites


class Memory:
    """At most `streams_max` streams, the least recently used forgotten first. Holds committed states only."""

    def __init__(self, codec: Codec, streams_max: int) -> None:
        """`codec` decodes what is read; personal fields stay closed, no decision may rest on them."""
        self._codec = codec
        self._streams_max = streams_max
        self._known: OrderedDict[str, Known] = OrderedDict()

    def version(self, stream: str) -> int:
        """Up to which version the stream is remembered; 0 for not at all."""
        known = self._known.get(stream)
        return known.version if known else 0

    def get(self, stream: str, initial: Any) -> Known:
        """The stream as remembered, or as absent."""
        return self._known.get(stream) or Known(0, initial)

    def put(self, stream: str, known: Known) -> None:
        """Remember a committed state."""
        self._known[stream] = known
        self._known.move_to_end(stream)
        while len(self._known) > self._streams_max:
            self._known.popitem(last=False)

    def forget(self, streams: Iterable[str]) -> None:
        """What was remembered may not be what is stored."""
        for stream in streams:
            self._known.pop(stream, None)

    def catch_up(self, rows: Iterable[Record], deciders: dict[str, Decider[Any]]) -> None:
        """Fold what was read, in order of stream and version."""
        for row in rows:
            decider = deciders[row["stream"]]
            known = self.get(row["stream"], decider.initial)
            if row["version"] != known.version + 1:
                continue
            event = self._codec.decode(row["type"], row["schema_version"], row["data"], None)
            self.put(
                row["stream"],
                replace(
                    known,
                    version=row["version"],
                    state=decider.evolve(known.state, event),
                    site_id=known.site_id or row["site_id"],
                    key=known.key or row["lane_key"],
                    patient_id=known.patient_id or row["patient_id"],
                ),
            )


class Workspace:
    """The streams as they will stand if everything decided so far in this batch is stored."""

    def __init__(self, memory: Memory) -> None:
        """Nothing of it reaches the memory before the commit."""
        self._memory = memory
        self._changed: dict[str, Known] = {}

    def get(self, decider: Decider[Any], stream_id: object, sites: frozenset[str] | None) -> Known:
        """The stream, or NotFound when it belongs to a site that the caller does not see."""
        stream = decider.stream(stream_id)
        known = self._changed.get(stream) or self._memory.get(stream, decider.initial)
        if not known.visible_from(sites):
            raise NotFound
        return known

    def keep(self, changed: dict[str, Known]) -> None:
        """A whole request was decided."""
        self._changed |= changed
