"""What a fold counts: events by what became of them, how far it is behind, and how large its values grow."""

from enum import StrEnum
from typing import Final

from prometheus_client import Counter, Gauge, Histogram


class Outcome(StrEnum):
    """What became of an event."""

    FOLDED = "folded"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    PARKED = "parked"


EVENTS: Final = Counter("evenkeel_fold_events_total", "Events taken, by what became of them.", ["outcome"])
LAG: Final = Gauge("evenkeel_fold_lag_events", "Events that wait in this process's lanes.")
LANES: Final = Gauge("evenkeel_fold_lanes", "Lanes assigned to this process, each source counted.")
HALTED: Final = Gauge("evenkeel_fold_halted_lanes", "Lanes that stand still because an event is missing.")
VALUE_BYTES: Final = Histogram(
    "evenkeel_fold_value_bytes",
    "Size of the values written, in bytes.",
    buckets=(512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288),
)


class Counts(dict[Outcome, int]):
    """The same numbers for the process itself."""

    def add(self, outcome: Outcome) -> None:
        """Count one event."""
        self[outcome] = self.get(outcome, 0) + 1
        EVENTS.labels(outcome).inc()
