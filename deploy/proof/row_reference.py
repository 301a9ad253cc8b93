"""What the read tables should say of one patient, from the events' own words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from deploy.proof.plan_reference import GATE
from deploy.proof.told import Told, Words

type Row = dict[str, Any]
type Rows = dict[str, Row]
type Says = Mapping[str, Callable[[Words, Row], Row]]


@dataclass(frozen=True)
class Table:
    """A read table: which projection keeps it, what names a row (`key` is SQL), and what each kind of event says about a row.

    With `shows_versions` the row says which version of its stream it stands at.
    """

    service: str
    projection: str
    name: str
    key: str
    columns: tuple[str, ...]
    category: str
    says: Says
    shows_versions: bool = False

    def wanted(self, events: Sequence[Told]) -> Rows:
        """The rows that these events make."""
        rows: Rows = {}
        for one in (one for one in events if one.service == self.service and one.category == self.category):
            says = self.says.get(one.type)
            row = rows.setdefault(one.subject, {})
            if self.shows_versions:
                row["version"] = one.version
            row |= says(one.data, row) if says else {}
        return {key: row for key, row in rows.items() if row}


def _just(**row: Any) -> Callable[[Words, Row], Row]:
    return lambda _data, _row: dict(row)


def _same(*names: str, **more: Any) -> Callable[[Words, Row], Row]:
    return lambda data, _row: {name: data[name] for name in names} | more


def _attended(corrections: int) -> Callable[[Words, Row], Row]:
    return lambda data, row: {
        "status": data["status"],
        "minutes": data["minutes"],
        "counted": data["counts_toward_plan_hours"],
        "corrections": row.get("corrections", 0) + corrections,
    }


EPISODE: Final[Says] = {
    "PatientAdmitted": lambda data, _: {
        "level_of_care": data["level_of_care"], "admitted_on": data["admitted_on"], "discharged_on": None
    },
    "LevelOfCareStepped": _same("level_of_care"),
    "PatientDischarged": _same("discharged_on"),
}  # fmt: skip
PLAN: Final[Says] = {
    "PlanDrafted": lambda data, _: {"episode_id": data["episode_id"], "revision": 1, "active_revision": None},
    "PlanRevised": _same("revision"),
    "PlanActivated": lambda data, _: {
        "active_revision": data["revision"], "active_from": data["active_from"],
        "counted_minutes_per_week": data["counted_minutes_per_week"],
    },
}  # fmt: skip
ASSESSMENT: Final[Says] = {
    "InstrumentScored": _same("instrument_id", "total", "band", retracted=False),
    "AssessmentRetracted": _just(retracted=True),
}
EVALUATION: Final[Says] = {
    "EvaluationBegun": _just(status="open", amendments=0),
    "EvaluationSigned": _just(status="signed"),
    "EvaluationAmended": lambda _, row: {"amendments": row["amendments"] + 1},
}
ATTENDANCE: Final[Says] = {
    "SessionBooked": _just(status="booked"),
    "BookingCancelled": _just(status="cancelled"),
    "PatientArrived": _just(status="arrived"),
    "AttendanceRecorded": _attended(0),
    "AttendanceCorrected": _attended(1),
    "AttendanceRetracted": _just(status="retracted"),
}
DOSE: Final[Says] = {
    "DoseAdministered": lambda data, _: {"status": "administered", "dose_mg": Decimal(data["dose_mg"])},
    "DoseRefused": _just(status="refused", dose_mg=None),
    "DoseMissed": _just(status="missed", dose_mg=None),
    "DoseVoided": _just(status="voided"),
}
ORDER: Final[Says] = {
    "OrderDrafted": lambda data, _: {"status": "drafted", "dose_mg": Decimal(data["dose_mg"]), "taper_id": None},
    "OrderSigned": _just(status="signed"),
    "OrderPutOnTaper": _same("taper_id"),
    "OrderHeld": _just(status="held"),
    "OrderResumed": _just(status="signed"),
    "OrderDiscontinued": _just(status="discontinued"),
}
TABLES: Final = (
    Table("intake", "intake", "episode", "episode_id", ("level_of_care", "admitted_on", "discharged_on"), "episode", EPISODE),
    Table(
        *("intake", "intake", "plan", "plan_id"),
        ("episode_id", "revision", "active_revision", "active_from", "counted_minutes_per_week"),
        *("plan", PLAN),
    ),
    Table("intake", "intake", "assessment", "assessment_id", ("instrument_id", "total", "band", "retracted"), "assessment", ASSESSMENT),
    Table("intake", "intake", "evaluation", "evaluation_id", ("status", "amendments"), "evaluation", EVALUATION),
    Table("intake", "intake", "detox_gate", "patient_id", ("status",), "detox_gate", {
        kind: _just(status=status) for kind, status in GATE.items()
    }),
    Table(
        *("scheduling", "scheduling", "attendance", "attendance_id"),
        ("status", "minutes", "counted", "corrections", "version"),
        *("attendance", ATTENDANCE, True),
    ),
    Table("medication", "medication", "dose", "dose_id", ("status", "dose_mg", "version"), "dose", DOSE, True),
    Table(
        *("medication", "medication", "medication_order", "order_id"), ("status", "dose_mg", "taper_id", "version"),
        *("order", ORDER, True),
    ),
)  # fmt: skip
