"""Given, when, then for a heart: no database, no mock, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.decider import Decider


@dataclass(frozen=True)
class Scenario[S]:
    """`Scenario(decider).given(started).when(command)` gives the events that follow."""

    decider: Decider[S]
    history: tuple[Any, ...] = ()

    def given(self, *events: Any) -> "Scenario[S]":
        """What happened before."""
        return Scenario(self.decider, (*self.history, *events))

    @property
    def state(self) -> S:
        """The state that what happened before leads to."""
        return self.decider.fold(self.history)

    def when(self, command: object, *given_states: object) -> Sequence[Any]:
        """What happens on the command; `given_states` are the other streams it looks at. Raises its refusals."""
        return list(self.decider.decide(self.state, command, *given_states))
