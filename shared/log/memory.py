"""What a process remembers of streams, so that deciding costs no loading; every batch asks what happened since."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.codec import Codec
from shared.database import Record
from shared.failures import Failure, NotFound
from shared.log.acts import Given


@dataclass(frozen=True, slots=True)
class Home:
    """Whose a stream is and where it lies; settled by its first event. `key` is the lane key."""

    site_id: str
    key: str
    lane: int
    patient_id: UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """A stream as of `version`: its state, and whose it is; an absent stream (version 0) is nobody's yet."""

    version: int
    state: Any
    home: Home | None = None


class Memory:
    """At most `streams_max` streams, the least recently used forgotten first. Holds committed states only."""

    def __init__(self, streams_max: int) -> None:
        """Empty at first."""
        self._streams_max = streams_max
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, one: Given) -> Known:
        """The stream as remembered, or as absent."""
        known = self._known.get(one.stream)
        if known is None:
            return Known(0, one.decider.initial)
        self._known.move_to_end(one.stream)
        return known

    def put(self, stream: str, known: Known) -> None:
        """Remember a committed state, unless a later one is known."""
        held = self._known.get(stream)
        if known.version == 0 or (held is not None and held.version >= known.version):
            return
        self._known[stream] = known
        self._known.move_to_end(stream)
        if len(self._known) > self._streams_max:
            self._known.popitem(last=False)

    def forget(self, streams: Iterable[str] | None = None) -> None:
        """What was remembered may not be what is stored; None forgets everything."""
        if streams is None:
            self._known.clear()
        for stream in streams or ():
            self._known.pop(stream, None)


class StreamBroken(Failure):
    """A stored event of this stream cannot be read."""


class Workspace:
    """Some streams: as remembered, then as the database says, then as they will stand if all decided so far is stored."""

    def __init__(self, codec: Codec, memory: Memory, streams: Iterable[Given]) -> None:
        """`codec` decodes what is read; personal fields stay closed, no decision may rest on them."""
        self._codec, self._memory = codec, memory
        self._deciders = {one.stream: one.decider for one in streams}
        self._known = {one.stream: memory.get(one) for one in streams}
        self._broken: dict[str, StreamBroken] = {}
        self._changed: set[str] = set()

    @property
    def asked(self) -> tuple[list[str], list[int]]:
        """The streams, and after which version their events are needed."""
        return list(self._known), [one.version for one in self._known.values()]

    def fold(self, rows: Iterable[Record]) -> None:
        """Fold what was read, in order of stream and version. A stream that cannot be folded troubles only who needs it."""
        for row in rows:
            stream: str = row["stream"]
            if stream in self._broken:
                continue
            try:
                self._known[stream] = self._after(self._known[stream], row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told to whoever needs the stream
                self._broken[stream] = StreamBroken(f"{stream} version {row['version']}")
                self._broken[stream].__cause__ = error
        for stream, known in self._known.items():
            if stream not in self._broken:
                self._memory.put(stream, known)

    def _after(self, known: Known, row: Record) -> Known:
        event = self._codec.decode(row["type"], row["schema_version"], row["data"], None)
        home = known.home or Home(row["site_id"], row["key"], row["lane"], row["patient_id"])
        return Known(row["version"], self._deciders[row["stream"]].evolve(known.state, event), home)

    def get(self, stream: str, sites: frozenset[str] | None) -> Known:
        """The stream. Raises NotFound when its site is none that the caller sees, StreamBroken."""
        if stream in self._broken:
            raise self._broken[stream]
        known = self._known[stream]
        if sites is not None and known.home is not None and known.home.site_id not in sites:
            raise NotFound
        return known

    def leans(self, streams: Iterable[Given]) -> bool:
        """Whether one of the streams stands as another request of this batch would leave it."""
        return any(one.stream in self._changed for one in streams)

    def keep(self, changed: Mapping[str, Known]) -> None:
        """A whole request was decided. Nothing of it reaches the memory before the commit."""
        self._known |= changed
        self._changed |= changed.keys()
