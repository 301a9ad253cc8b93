"""A decider is how one stream thinks: from its state and a command to what happened, and from what happened to its state.

All three functions are pure: no clock, no id, no network. What they need of the outside is in the command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, dataclass_transform


@dataclass(frozen=True)
class Decider[S]:
    """The heart of one kind of stream.

    `category` names the kind and opens the stream's name (`taper-<id>`); a stored category never changes.
    `decide(state, command, *given)` returns the events or raises a `Refused`; `given` are the states of the other
    streams that the command asked to look at. `evolve(state, event)` never fails on a stored event.
    """

    category: str
    initial: S
    decide: Callable[..., Sequence[Any]]
    evolve: Callable[[S, Any], S]

    def fold(self, events: Sequence[Any]) -> S:
        """The state after `events`."""
        state = self.initial
        for event in events:
            state = self.evolve(state, event)
        return state

    def stream(self, stream_id: object) -> str:
        """The stream's name in the log."""
        return f"{self.category}-{stream_id}"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def command[T](cls: type[T]) -> type[T]:
    """A frozen dataclass that refuses unknown fields when it is read from a request body."""
    made = dataclass(frozen=True)(cls)
    made.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return made
