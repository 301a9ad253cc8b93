"""The figures of plan state, as they are read: what each is called, in which unit, and on which event it stands."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

type EventId = UUID | None
"""The event that a figure stands on; null when nothing has happened yet."""


@dataclass(frozen=True)
class EpisodeFigure:
    """The newest episode of care."""

    episode_id: UUID | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    reason: str | None = None


@dataclass(frozen=True)
class LevelFigure:
    """The level of care and since when."""

    level: str | None = None
    since: date | None = None
    event_id: EventId = None


@dataclass(frozen=True)
class GateFigure:
    """Whether withdrawal management comes first."""

    status: str = "not_required"
    event_id: EventId = None


@dataclass(frozen=True)
class GoalFigure:
    """How far a goal of the active plan has come."""

    goal_id: str
    progress: str
    event_id: EventId = None


@dataclass(frozen=True)
class ReviewFigure:
    """When the plan is to be looked at again."""

    on: date | None = None
    event_id: EventId = None


@dataclass(frozen=True)
class PlanFigure:
    """The plan of the newest episode; minutes are those of a week."""

    plan_id: UUID | None = None
    revision: int | None = None
    active_revision: int | None = None
    active_from: date | None = None
    hours_finding: str | None = None
    event_id: EventId = None
    prescribed_minutes_per_week: dict[str, int] = field(default_factory=dict)
    counted_minutes_per_week: int = 0
    goals: list[GoalFigure] = field(default_factory=list)
    next_review: ReviewFigure = ReviewFigure()


@dataclass(frozen=True)
class SignFigure:
    """A danger sign that waits for a clinician."""

    assessment_id: UUID
    sign: str
    event_id: EventId = None


@dataclass(frozen=True)
class ScoreFigure:
    """The newest score on one instrument; null while the form is incomplete."""

    assessment_id: UUID
    total: int | None
    band: str | None
    taken_at: datetime
    event_id: EventId = None


@dataclass(frozen=True)
class WeekFigure:
    """Minutes of one week from Monday to Sunday, those that count and all by modality; the event that changed it last."""

    counted_minutes: int = 0
    minutes: dict[str, int] = field(default_factory=dict)
    event_id: EventId = None


@dataclass(frozen=True)
class AttendanceFigure:
    """Sessions of one modality since the patient came; the rate leaves out excused absences."""

    sessions: int
    attended: int
    no_shows: int
    rate: float | None


@dataclass(frozen=True)
class BookingFigure:
    """A session that is booked and has no attendance yet; the date is the site's."""

    attendance_id: str
    session_on: date
    starts_at: datetime
    modality: str
    zone: str
    event_id: EventId = None


@dataclass(frozen=True)
class SlotCounts:
    """Dosing slots by what became of them."""

    given: int
    refused: int
    missed: int
    rate: float | None


@dataclass(frozen=True)
class AdherenceFigure:
    """All slots of an order, and those of the newest `recent_days` days."""

    all: SlotCounts
    recent: SlotCounts
    recent_days: int
    last_slot_on: date | None
    voids_out_of_reach: int = 0
    event_id: EventId = None


@dataclass(frozen=True)
class OrderFigure:
    """A medication order; while it is on a taper, the taper says the dose."""

    order_id: UUID
    status: str | None
    medicine: str | None
    dose_mg: str | None
    starts_on: date | None
    ends_on: date | None
    every_days: int | None
    splits: int | None
    zone: str | None
    taper: UUID | None
    adherence: AdherenceFigure
    event_id: EventId = None


@dataclass(frozen=True)
class StepFigure:
    """A step of a taper."""

    starts_on: date
    dose_mg: str


@dataclass(frozen=True)
class TaperFigure:
    """At which step of how many a taper stands; step 0 is the dose it started from."""

    taper_id: UUID
    order_id: UUID | None
    medicine: str | None
    status: str | None
    dose_mg: str | None
    target_dose_mg: str | None
    step: int
    steps: int
    next_step: StepFigure | None = None
    event_id: EventId = None


@dataclass(frozen=True)
class HoldFigure:
    """An order or a taper that waits."""

    kind: str
    id: UUID
    reason: str
    since: date
    event_id: EventId = None


@dataclass(frozen=True)
class Figures:
    """Everything that plan state says without a clock."""

    phase: str
    site_id: str | None = None
    episode: EpisodeFigure = EpisodeFigure()
    level_of_care: LevelFigure = LevelFigure()
    detox_gate: GateFigure = GateFigure()
    plan: PlanFigure = field(default_factory=PlanFigure)
    danger_signs: list[SignFigure] = field(default_factory=list)
    scores: dict[str, ScoreFigure] = field(default_factory=dict)
    zone: str | None = None
    weeks: dict[date, WeekFigure] = field(default_factory=dict)
    attendance: dict[str, AttendanceFigure] = field(default_factory=dict)
    bookings: list[BookingFigure] = field(default_factory=list)
    corrections_out_of_reach: int = 0
    medication: list[OrderFigure] = field(default_factory=list)
    tapers: list[TaperFigure] = field(default_factory=list)
    holds: list[HoldFigure] = field(default_factory=list)
