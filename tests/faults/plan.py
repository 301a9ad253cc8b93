"""Which fault comes when: drawn from the seed alone, so that the same seed breaks the same things in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from deploy.instance import process_names

GAP_SECONDS: Final = (1.0, 7.0)
PAUSE_SECONDS: Final = (5.0, 60.0)
CUT_SECONDS: Final = (2.0, 15.0)
COPY_SECONDS: Final = (8.0, 25.0)
DELAY_SECONDS: Final = (0.02, 0.3)
FULL_SECONDS: Final = (3.0, 10.0)
CLOCK_STEP_SECONDS: Final = (-7200.0, 7200.0)
SHARE_MAX: Final = 0.12
"""No fault lasts longer than this share of the run, however long its kind may take."""

FOLLOWERS: Final = tuple(name for name in process_names() if name.endswith(("-worker", "-stream")))
"""Who may be started twice: lanes and partitions change hands then. A second API is the balancer's business, a second verifier nobody's."""

WEIGHTS: Final = {
    "kill": 40,
    "terminate": 12,
    "pause": 6,
    "second-copy": 5,
    "network-cut": 5,
    "network-delay": 4,
    "broker-kill": 3,
    "broker-lost": 1.5,
    "postgres-stop": 3,
    "disk-full": 1.5,
    "clock-step": 2,
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, `after_seconds` the one before; `size` is what the kind makes of it."""

    kind: str
    target: str
    after_seconds: float
    seconds: float
    size: float


def faults(seed: int, minutes: float, only: Sequence[str] = ()) -> Iterator[Fault]:
    """Without end; whoever breaks things stops when the time is over. `only` these kinds, all when none is named."""
    dice = Random(seed)
    kinds = {kind: weight for kind, weight in WEIGHTS.items() if kind in only or not only}
    longest = max(5.0, minutes * 60 * SHARE_MAX)
    while True:
        kind = dice.choices(list(kinds), list(kinds.values()))[0]
        target = dice.choice(FOLLOWERS if kind == "second-copy" else process_names())
        if kind in {"broker-kill", "broker-lost"}:
            target = "kafka"
        elif kind == "postgres-stop":
            target = "postgres"
        elif kind in {"disk-full", "clock-step"}:
            target = dice.choice(("postgres", "kafka") if kind == "disk-full" else ("every clock",))
        low, high = {
            "pause": PAUSE_SECONDS,
            "second-copy": COPY_SECONDS,
            "network-cut": CUT_SECONDS,
            "network-delay": CUT_SECONDS,
            "disk-full": FULL_SECONDS,
            "clock-step": CUT_SECONDS,
        }.get(kind, (0.0, 0.0))
        size = dice.uniform(*(CLOCK_STEP_SECONDS if kind == "clock-step" else DELAY_SECONDS))
        yield Fault(kind, target, dice.uniform(*GAP_SECONDS), min(dice.uniform(low, high), longest), size)
