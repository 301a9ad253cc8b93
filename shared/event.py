"""What happened, and what the record says about it: the shape that every event of every service shares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar, dataclass_transform
from uuid import UUID

T = TypeVar("T")


class _PersonalMark:
    """Marks a field that identifies or describes a person in free text."""


PERSONAL: Final = _PersonalMark()

Personal = Annotated[T, PERSONAL]
"""A field sealed with the patient's own key wherever it is stored. Declared as `Personal[str]` or `Personal[X | None]`:
after erasure the first reads `ERASED`, the second `None`."""

ERASED: Final = "[erased]"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def event[C](*, version: int = 1) -> Callable[[type[C]], type[C]]:
    """A frozen dataclass that may be stored; `version` rises when its fields change and an upcast is written."""

    def decorate(cls: type[C]) -> type[C]:
        made = dataclass(frozen=True)(cls)
        made.__schema_version__ = version  # type: ignore[attr-defined]
        return made

    return decorate


@dataclass(frozen=True, slots=True)
class Recorded[E]:
    """One event as it stands in the log: what happened (`data`) and everything the record knows about it.

    `(lane, position)` is the place in the service's log: positions of a lane start at 1 and have no gaps.
    `(stream, version)` is the place in the subject's own story, versions start at 1.
    `effective_at` is when it was true, `recorded_at` when the database stored it; both carry their offset.
    """

    service: str
    lane: int
    position: int
    stream: str
    version: int
    event_id: UUID
    type: str
    schema_version: int
    site_id: str
    patient_id: UUID | None
    effective_at: datetime
    recorded_at: datetime
    corrects: UUID | None
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    data: E

    @property
    def key(self) -> str:
        """What the lane is computed from, and the record's key on Kafka: the patient, or the subject's own id."""
        return str(self.patient_id) if self.patient_id else self.subject_id

    @property
    def subject_id(self) -> str:
        """The stream's own id, without the category."""
        return self.stream.split("-", 1)[1]


type AnyRecorded = Recorded[Any]
