"""A log in memory that takes acts as the real one does: all streams compared, then all set; a key has one effect."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.decider import Decider
from shared.log import Act


@dataclass(frozen=True)
class Prepared:
    """A request that was decided and waits to be appended."""

    key: str
    versions: dict[str, int]
    events: list[tuple[str, Any]]


class Outdated(Exception):  # noqa: N818 - named for the plain fact, as the failures are
    """A stream has moved on since the request was decided."""


@dataclass
class Ledger:
    """Streams of events, and the keys that were used."""

    streams: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    keys: set[str] = field(default_factory=set)

    def state(self, decider: Decider[Any], stream_id: object) -> Any:
        """As stored."""
        return decider.fold(self.streams[decider.stream(stream_id)])

    def prepare(self, key: str, acts: Sequence[Act]) -> Prepared:
        """Decide every act on what those before it leave behind. Raises the refusals."""
        versions: dict[str, int] = {}
        changed: dict[str, list[Any]] = {}
        events: list[tuple[str, Any]] = []
        if key in self.keys:
            return Prepared(key, {}, [])
        for act in acts:
            states = []
            for one in (act, *act.given):
                versions.setdefault(one.stream, len(self.streams[one.stream]))
                states.append(one.decider.fold([*self.streams[one.stream], *changed.get(one.stream, ())]))
            for event in act.decider.decide(states[0], act.command, *states[1:]):
                changed.setdefault(act.stream, []).append(event)
                events.append((act.stream, event))
        return Prepared(key, versions, events)

    def append(self, prepared: Prepared) -> None:
        """All or nothing. Raises Outdated."""
        if prepared.key in self.keys:
            return
        if any(len(self.streams[name]) != version for name, version in prepared.versions.items()):
            raise Outdated
        for stream, event in prepared.events:
            self.streams[stream].append(event)
        self.keys.add(prepared.key)

    def of(self, category: str) -> list[tuple[str, Any]]:
        """Every event of a kind of stream."""
        return [
            (name, one) for name, events in self.streams.items() if name.startswith(f"{category}-") for one in events
        ]
