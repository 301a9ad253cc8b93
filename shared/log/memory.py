"""What a process remembers of streams, so that deciding costs no loading; every batch asks what happened since."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.codec import Codec
from shared.database import Record
from shared.decider import Decider
from shared.failures import Failure, NotFound
from shared.log.pending import Home, Target


@dataclass(frozen=True, slots=True)
class Known:
    """A stream as of `version`: its state, and whose it is; an absent stream (version 0) is nobody's yet."""

    version: int
    state: Any
    home: Home | None = None

    def visible_from(self, sites: frozenset[str] | None) -> bool:
        """Whether a caller with these sites may know of it."""
        return sites is None or self.home is None or self.home.site_id in sites


class Memory:
    """At most `streams_max` streams, the least recently used forgotten first. Holds committed states only."""

    def __init__(self, streams_max: int) -> None:
        """Empty at first."""
        self._streams_max = streams_max
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, target: Target) -> Known:
        """The stream as remembered, or as absent."""
        known = self._known.get(target.stream)
        if known is None:
            return Known(0, target.decider.initial)
        self._known.move_to_end(target.stream)
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


class Loading:
    """Streams brought up to date: what was remembered when the database was asked, and what it answered."""

    def __init__(self, codec: Codec, memory: Memory, targets: Iterable[Target]) -> None:
        """`codec` decodes what is read; personal fields stay closed, no decision may rest on them."""
        self._codec, self._memory = codec, memory
        self._targets = {one.stream: one for one in targets}
        self.known = {stream: memory.get(one) for stream, one in self._targets.items()}
        self.broken: dict[str, StreamBroken] = {}

    @property
    def asked(self) -> tuple[list[str], list[int]]:
        """The streams, and after which version their events are needed."""
        return list(self.known), [one.version for one in self.known.values()]

    def fold(self, rows: Iterable[Record]) -> None:
        """Fold what was read, in order of stream and version. A stream that cannot be folded troubles only who needs it."""
        for row in rows:
            stream: str = row["stream"]
            if stream in self.broken:
                continue
            try:
                self.known[stream] = _after(self.known[stream], self._targets[stream].decider, row, self._codec)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told to whoever needs the stream
                self.broken[stream] = StreamBroken(f"{stream} version {row['version']}")
                self.broken[stream].__cause__ = error
        for stream, known in self.known.items():
            if stream not in self.broken:
                self._memory.put(stream, known)


def _after(known: Known, decider: Decider[Any], row: Record, codec: Codec) -> Known:
    event = codec.decode(row["type"], row["schema_version"], row["data"], None)
    home = known.home or Home(row["site_id"], row["key"], row["lane"], row["patient_id"])
    return Known(row["version"], decider.evolve(known.state, event), home)


class Workspace:
    """The streams as they will stand if everything decided so far in this batch is stored."""

    def __init__(self, loaded: Mapping[str, Known], broken: Mapping[str, StreamBroken]) -> None:
        """Nothing of it reaches the memory before the commit."""
        self._loaded, self._broken = loaded, broken
        self._changed: dict[str, Known] = {}

    def get(self, target: Target, sites: frozenset[str] | None) -> Known:
        """The stream. Raises NotFound when its site is none that the caller sees, StreamBroken."""
        stream = target.stream
        if stream in self._broken:
            raise self._broken[stream]
        known = self._changed.get(stream) or self._loaded[stream]
        if not known.visible_from(sites):
            raise NotFound
        return known

    def leans(self, targets: Iterable[Target]) -> bool:
        """Whether one of the streams stands as another request of this batch would leave it."""
        return any(one.stream in self._changed for one in targets)

    def keep(self, changed: Mapping[str, Known]) -> None:
        """A whole request was decided."""
        self._changed |= changed
