"""What the lists of attendances, doses and orders should say of one patient, from the events alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

type Row = dict[str, Any]
type Rows = dict[str, Row]
type Says = Callable[[Mapping[str, Any]], Row]


def _attended(data: Mapping[str, Any]) -> Row:
    return {"status": data["status"], "minutes": data["minutes"], "counted": data["counts_toward_plan_hours"]}


ATTENDANCE: Final[Mapping[str, Says]] = {
    "SessionBooked": lambda _: {"status": "booked"},
    "BookingCancelled": lambda _: {"status": "cancelled"},
    "PatientArrived": lambda _: {"status": "arrived"},
    "AttendanceRecorded": lambda data: _attended(data) | {"corrections": 0},
    "AttendanceCorrected": _attended,
    "AttendanceRetracted": lambda _: {"status": "retracted"},
}
DOSE: Final[Mapping[str, Says]] = {
    "DoseAdministered": lambda data: {"status": "administered", "dose_mg": data["dose_mg"]},
    "DoseRefused": lambda _: {"status": "refused", "dose_mg": None},
    "DoseMissed": lambda _: {"status": "missed", "dose_mg": None},
    "DoseVoided": lambda _: {"status": "voided"},
}
ORDER: Final[Mapping[str, Says]] = {
    "OrderDrafted": lambda data: {"status": "drafted", "dose_mg": data["dose_mg"], "taper_id": None},
    "OrderSigned": lambda _: {"status": "signed"},
    "OrderPutOnTaper": lambda data: {"taper_id": data["taper_id"]},
    "OrderHeld": lambda _: {"status": "held"},
    "OrderResumed": lambda _: {"status": "signed"},
    "OrderDiscontinued": lambda _: {"status": "discontinued"},
}


def attendances(events: Sequence[tuple[str, str, dict[str, Any]]]) -> Rows:
    """Attendance to its status, minutes and how often it was corrected."""
    rows = _rows("attendance", ATTENDANCE, events)
    for kind, stream, _ in events:
        if kind == "AttendanceCorrected":
            rows[stream.split("-", 1)[1]]["corrections"] += 1
    return rows


def doses(events: Sequence[tuple[str, str, dict[str, Any]]]) -> Rows:
    """Slot to what became of it; only a slot whose dose was voided may be dosed again."""
    return _rows("dose", DOSE, events)


def orders(events: Sequence[tuple[str, str, dict[str, Any]]]) -> Rows:
    """Order to its status, dose and taper."""
    return _rows("order", ORDER, events)


def _rows(prefix: str, says: Mapping[str, Says], events: Sequence[tuple[str, str, dict[str, Any]]]) -> Rows:
    """Each stream's row: what its events say, later ones over earlier ones; the version counts the events."""
    rows: Rows = {}
    for kind, stream, data in events:
        what, _, name = stream.partition("-")
        if what == prefix:
            row = rows.setdefault(name, {"version": 0})
            row["version"] += 1
            row |= says[kind](data) if kind in says else {}
    return rows
