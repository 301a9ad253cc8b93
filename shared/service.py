"""A service as one value: its name, its events, its routes and who may use them, and what it makes of what it hears."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fastapi import APIRouter

from shared.access import Rule

if TYPE_CHECKING:  # a process loads only what it runs: the API knows neither Kafka nor Faust
    from shared.fold import Fold
    from shared.policy import Policies
    from shared.projector import Projection, TableProjection
    from shared.timers import Timer


@dataclass(frozen=True)
class Service:
    """What `services/<name>/main.py` fills in; `evenkeel serve <name> api|worker|stream` runs it.

    `vocabulary` is the module of its events, `rules` name every route of `router` by its function's name.
    """

    name: str
    vocabulary: ModuleType
    router: APIRouter
    rules: Mapping[str, Rule]
    migrations: Path
    projections: "tuple[Projection | TableProjection, ...]" = ()
    policies: "tuple[Policies, ...]" = ()
    timers: "tuple[Timer, ...]" = ()
    fold: "Fold | None" = None

    @cached_property
    def shown(self) -> frozenset[str]:
        """The projections of events, for which a query waits unless it names one."""
        return frozenset(one.name for one in self.projections if hasattr(one, "topics"))

    @cached_property
    def followed(self) -> Mapping[str, frozenset[str]]:
        """For each projection the event topics that its rows follow: of a fold's output those that the fold reads."""
        folded = frozenset(self.fold.sources) if self.fold else frozenset[str]()
        return {one.name: frozenset(getattr(one, "topics", folded)) for one in self.projections}
