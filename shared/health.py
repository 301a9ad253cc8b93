"""Whether a process lives, whether it is ready and how far behind it is, and its metrics, on three small routes."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """What one check found: ready or not, with the facts that an operator needs (lag, counts, times; no ids of people)."""

    ready: bool
    facts: Mapping[str, object] = field(default_factory=dict)


type Check = Callable[[], Awaitable[Finding]]


class Health:
    """The named checks of one process."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask `check` at every `/readyz`; one that raises or takes too long counts as not ready."""
        self.checks[name] = check


def serve_ops(health: Health, host: str, port: int) -> AbstractAsyncContextManager[int]:
    """Serve `/livez`, `/readyz` and `/metrics` from the running loop; gives the port (0 finds a free one)."""
    raise NotImplementedError
