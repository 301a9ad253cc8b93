"""The events of a test as the three services' logs would hold them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from services.intake.plan_state import apply, figures
from shared.event import AnyRecorded, Recorded
from shared.events import intake, medication, scheduling
from shared.events.intake.detox_gate import GateBasis
from shared.events.intake.plan_parts import Modality
from shared.events.medication import RefusalReason, Rhythm, VoidReason
from shared.events.scheduling import AttendanceStatus
from tests.intake.situations import (
    ACTIVATED,
    ADMITTED,
    DRAFTED,
    EPISODE,
    EVALUATION,
    MONDAY,
    PATIENT,
    PLAN,
    SIGNED,
    registered,
)

ORDER = UUID("00000000-0000-7000-8000-00000000000a")
TAPER = UUID("00000000-0000-7000-8000-00000000000b")

NAMESPACE = UUID("00000000-0000-7000-8000-0000000000ff")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Book:
    """One service's log for one patient: positions rise by one, versions by one in each stream."""

    service: str
    lane: int = 3
    events: list[AnyRecorded] = field(default_factory=list)

    def write(self, stream: str, data: Any, *, site: str = "riverside", corrects: UUID | None = None) -> AnyRecorded:
        position = len(self.events) + 1
        recorded_at = START + timedelta(minutes=position)
        event: AnyRecorded = Recorded(
            service=self.service,
            lane=self.lane,
            position=position,
            stream=stream,
            version=1 + sum(one.stream == stream for one in self.events),
            event_id=uuid5(NAMESPACE, f"{self.service} {position}"),
            type=type(data).__name__,
            schema_version=1,
            site_id=site,
            patient_id=PATIENT,
            effective_at=recorded_at,
            recorded_at=recorded_at,
            corrects=corrects,
            actor="counsellor-7",
            correlation_id=NAMESPACE,
            causation_id=None,
            traceparent=None,
            data=data,
        )
        self.events.append(event)
        return event


def fold(events: Iterable[AnyRecorded]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for one in events:
        before = json.dumps(facts)
        after = apply(facts, one)
        assert json.dumps(facts) == before, "a fold must not change what it is given"
        facts = json.loads(json.dumps(after))
    return facts


def state(*events: AnyRecorded) -> dict[str, Any]:
    return figures(fold(events))


def attendance_id(number: int) -> UUID:
    return uuid5(NAMESPACE, f"attendance {number}")


def session(number: int, on: date, modality: Modality) -> dict[str, Any]:
    return {
        "patient_id": PATIENT,
        "session_id": uuid5(NAMESPACE, f"session {number}"),
        "group_id": None,
        "modality": scheduling.Modality(modality.value),
        "kind": "process",
        "session_on": on,
        "zone": "America/New_York",
    }


def attended(
    number: int,
    on: date = MONDAY,
    minutes: int = 60,
    *,
    modality: Modality = Modality.GROUP,
    status: AttendanceStatus = AttendanceStatus.ATTENDED,
    counts: bool = True,
) -> dict[str, Any]:
    return {
        **session(number, on, modality),
        "status": status,
        "minutes": minutes,
        "session_minutes": 60,
        "counts_toward_plan_hours": counts,
        "policy_id": "counting",
        "policy_version": 1,
        "rule_id": "group",
        "evidence": None,
        "companions": 0,
        "remark": None,
    }


class Attendances(Book):
    """Scheduling's log."""

    def __init__(self) -> None:
        super().__init__("scheduling")

    def record(self, number: int, *args: Any, **kwargs: Any) -> AnyRecorded:
        data = scheduling.AttendanceRecorded(**attended(number, *args, **kwargs), note=None)
        return self.write(f"attendance-{attendance_id(number)}", data)

    def correct(self, number: int, *args: Any, **kwargs: Any) -> AnyRecorded:
        data = scheduling.AttendanceCorrected(**attended(number, *args, **kwargs))
        return self.write(f"attendance-{attendance_id(number)}", data)

    def retract(self, number: int, on: date = MONDAY) -> AnyRecorded:
        reason = scheduling.RetractionReason.WRITTEN_TWICE
        data = scheduling.AttendanceRetracted(**session(number, on, Modality.GROUP), reason=reason)
        return self.write(f"attendance-{attendance_id(number)}", data)

    def book(self, number: int, on: date) -> AnyRecorded:
        starts_at = datetime(on.year, on.month, on.day, 15, tzinfo=UTC)
        ends_at = starts_at + timedelta(hours=1)
        data = scheduling.SessionBooked(**session(number, on, Modality.GROUP), starts_at=starts_at, ends_at=ends_at)
        return self.write(f"attendance-{attendance_id(number)}", data)


class Doses(Book):
    """Medication's log."""

    def __init__(self) -> None:
        super().__init__("medication")

    def sign(self) -> None:
        drafted = medication.OrderDrafted(
            patient_id=PATIENT,
            home_site_id="riverside",
            zone="America/New_York",
            product_id="methadone-10",
            product_version=1,
            medicine="methadone",
            dose_mg=Decimal(30),
            split_doses_mg=(Decimal(30),),
            rhythm=Rhythm(1, 0, 0),
            starts_on=MONDAY,
            ends_on=None,
            new_start=True,
            instructions=None,
        )
        self.write(f"order-{ORDER}", drafted)
        signed = medication.OrderSigned("methadone", Decimal(30), MONDAY, None, (), (), None)
        self.write(f"order-{ORDER}", signed)

    def _slot(self, on: date) -> dict[str, Any]:
        return {
            "patient_id": PATIENT,
            "order_id": ORDER,
            "taper_id": None,
            "medicine": "methadone",
            "dosing_on": on,
            "zone": "America/New_York",
            "split": 1,
            "home_site_id": "riverside",
        }

    def _write(self, on: date, data: Any) -> AnyRecorded:
        return self.write(f"dose-{uuid5(NAMESPACE, on.isoformat())}", data)

    def give(self, on: date) -> AnyRecorded:
        given_at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        data = medication.DoseAdministered(
            **self._slot(on),
            dose_mg=Decimal(30),
            ordered_mg=Decimal(30),
            given_at=given_at,
            observed_by="nurse-2",
            site_id="riverside",
        )
        return self._write(on, data)

    def refuse(self, on: date) -> AnyRecorded:
        refused = medication.DoseRefused(
            **self._slot(on), ordered_mg=Decimal(30), reason=RefusalReason.NOT_SAID, note=None
        )
        return self._write(on, refused)

    def miss(self, on: date) -> AnyRecorded:
        return self._write(on, medication.DoseMissed(**self._slot(on), ordered_mg=Decimal(30)))

    def void(self, on: date) -> AnyRecorded:
        voided = medication.DoseVoided(
            **self._slot(on),
            dose_mg=Decimal(30),
            reason=VoidReason.ENTERED_IN_ERROR,
            requested_by="nurse-2",
            confirmed_by="nurse-3",
        )
        return self._write(on, voided)


def in_treatment() -> Book:
    """A patient who was evaluated, held back, admitted and has a plan."""
    book = Book("intake")
    book.write(f"patient-{PATIENT}", registered())
    book.write(f"evaluation-{EVALUATION}", intake.EvaluationBegun(PATIENT))
    book.write(f"evaluation-{EVALUATION}", SIGNED)
    required = intake.WithdrawalManagementRequired(PATIENT, GateBasis.SCORE, EVALUATION, (), ("r",), "p", 1)
    book.write(f"detox_gate-{PATIENT}", required)
    book.write(f"detox_gate-{PATIENT}", intake.WithdrawalManagementCompleted(PATIENT, MONDAY))
    book.write(f"episode-{EPISODE}", ADMITTED)
    book.write(f"plan-{PLAN}", DRAFTED)
    book.write(f"plan-{PLAN}", ACTIVATED)
    return book
