"""What plan state learns from scheduling: minutes and attendance by week and modality, and what is booked.

A week keeps, for each attendance, one short line; its totals follow from the lines, so that a correction replaces its line
and reaches the totals however late it comes. Weeks older than `REACH_WEEKS` before the newest keep totals only.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from services.intake.plan_state_care import Facts
from shared.event import AnyRecorded
from shared.events import scheduling
from shared.events.scheduling import AttendanceRecorded, AttendanceStatus

REACH_WEEKS: Final = 53
"""How many weeks back, counted from the newest week with an attendance, a correction still reaches its attendance."""

SHOWN_WEEKS: Final = 13
"""Weeks in the figures."""

BOOKINGS_MAX: Final = 60
"""Open bookings kept, the latest by date."""

ID_CHARACTERS: Final = 12
"""Of an attendance's id in its line: enough to tell one patient's attendances apart."""

COUNTED, ATTENDED, SESSIONS, PRESENT, NO_SHOWS = range(5)
"""Places in a week's totals per modality: minutes that count, all minutes, sessions expected, attended, missed."""

PRESENT_STATUSES: Final = frozenset(
    {AttendanceStatus.ATTENDED, AttendanceStatus.ARRIVED_LATE, AttendanceStatus.LEFT_EARLY}
)


def monday_of(on: date) -> str:
    """The Monday that names a week."""
    return (on - timedelta(days=on.weekday())).isoformat()


def apply(attendance: Facts, recorded: AnyRecorded) -> Facts:
    """The facts with this event of scheduling taken in; `attendance` itself is left as it was."""
    handler = HANDLERS.get(type(recorded.data))
    return handler(attendance, recorded) if handler else attendance


def _booked(attendance: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    booking = {
        "session_on": data.session_on.isoformat(),
        "starts_at": data.starts_at.isoformat(),
        "modality": data.modality.value,
        "zone": data.zone,
        "event": str(recorded.event_id),
    }
    bookings = {**attendance.get("bookings", {}), recorded.subject_id: booking}
    latest = sorted(bookings, key=lambda key: (bookings[key]["starts_at"], key))[-BOOKINGS_MAX:]
    return {**attendance, "zone": data.zone, "bookings": {key: bookings[key] for key in latest}}


def _not_expected(attendance: Facts, recorded: AnyRecorded) -> Facts:
    bookings = attendance.get("bookings", {})
    return {**attendance, "bookings": {key: one for key, one in bookings.items() if key != recorded.subject_id}}


def _recorded(attendance: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    present = data.status in PRESENT_STATUSES
    line = [
        data.modality.value,
        data.minutes if present and data.counts_toward_plan_hours else 0,
        data.minutes if present else 0,
        "present" if present else data.status.value,
    ]
    return _set_line(_not_expected(attendance, recorded), recorded, line)


def _retracted(attendance: Facts, recorded: AnyRecorded) -> Facts:
    return _set_line(_not_expected(attendance, recorded), recorded, None)


def _set_line(attendance: Facts, recorded: AnyRecorded, line: list[Any] | None) -> Facts:
    """Put the line into its week in place of the one that this attendance had, in whatever week that was."""
    key = recorded.subject_id.replace("-", "")[-ID_CHARACTERS:]
    monday = monday_of(recorded.data.session_on)
    weeks: Facts = {**attendance.get("weeks", {})}
    earlier = next((week for week in (monday, *weeks) if key in weeks.get(week, {}).get("lines", {})), None)
    if earlier is None and not isinstance(recorded.data, AttendanceRecorded) and _out_of_reach(weeks, monday):
        return {**attendance, "out_of_reach": attendance.get("out_of_reach", 0) + 1}
    totals = attendance.get("totals", {})
    if earlier is not None:
        totals = _added(totals, weeks[earlier]["lines"][key], -1)
        weeks[earlier] = _without(weeks[earlier], key)
    if line is not None:
        totals = _added(totals, line, 1)
        weeks[monday] = _with(weeks.get(monday, {}), key, line)
    if monday in weeks:
        weeks[monday] = {**weeks[monday], "event": str(recorded.event_id)}
    return {**attendance, "weeks": _closed(weeks), "totals": totals}


def _out_of_reach(weeks: Mapping[str, Any], monday: str) -> bool:
    return bool(weeks) and monday < _reach_start(weeks)


def _reach_start(weeks: Mapping[str, Any]) -> str:
    return (date.fromisoformat(max(weeks)) - timedelta(weeks=REACH_WEEKS)).isoformat()


def _closed(weeks: Facts) -> Facts:
    """Weeks out of reach lose their lines and keep their totals."""
    start = _reach_start(weeks) if weeks else ""
    return {
        monday: {**week, "lines": {}} if monday < start and week.get("lines") else week
        for monday, week in weeks.items()
    }


def _with(week: Facts, key: str, line: list[Any]) -> Facts:
    return {**week, "lines": {**week.get("lines", {}), key: line}, "totals": _added(week.get("totals", {}), line, 1)}


def _without(week: Facts, key: str) -> Facts:
    lines = {one: line for one, line in week["lines"].items() if one != key}
    return {**week, "lines": lines, "totals": _added(week["totals"], week["lines"][key], -1)}


def _added(totals: Facts, line: list[Any], sign: int) -> Facts:
    modality, counted, minutes, status = line
    change = [0, 0, 0, 0, 0]
    change[COUNTED], change[ATTENDED], change[SESSIONS] = counted, minutes, 1
    change[PRESENT], change[NO_SHOWS] = int(status == "present"), int(status == AttendanceStatus.NO_SHOW.value)
    before = totals.get(modality, [0, 0, 0, 0, 0])
    after = [one + sign * other for one, other in zip(before, change, strict=True)]
    return {**totals, modality: after} if any(after) else {key: one for key, one in totals.items() if key != modality}


HANDLERS: Final[Mapping[type, Callable[[Facts, AnyRecorded], Facts]]] = {
    scheduling.SessionBooked: _booked,
    scheduling.BookingMoved: _booked,
    scheduling.BookingCancelled: _not_expected,
    scheduling.AttendanceRecorded: _recorded,
    scheduling.AttendanceCorrected: _recorded,
    scheduling.AttendanceRetracted: _retracted,
}


def figures(attendance: Facts) -> Facts:
    """Minutes by week, attendance by modality, bookings that wait; no clock: the reader picks the week."""
    weeks = attendance.get("weeks", {})
    return {
        "zone": attendance.get("zone"),
        "weeks": {monday: _week_figures(weeks[monday]) for monday in sorted(weeks)[-SHOWN_WEEKS:]},
        "attendance": _by_modality(attendance.get("totals", {})),
        "bookings": [
            {"attendance_id": key, **{name: one for name, one in booking.items() if name != "event"}}
            | {"event_id": booking["event"]}
            for key, booking in sorted(attendance.get("bookings", {}).items(), key=lambda item: item[1]["starts_at"])
        ],
        "corrections_out_of_reach": attendance.get("out_of_reach", 0),
    }


def _week_figures(week: Facts) -> Facts:
    return {
        "counted_minutes": sum(totals[COUNTED] for totals in week.get("totals", {}).values()),
        "minutes": {modality: totals[ATTENDED] for modality, totals in sorted(week.get("totals", {}).items())},
        "event_id": week.get("event"),
    }


def _by_modality(totals: Mapping[str, list[int]]) -> Facts:
    """Attended out of attended and missed; excused absences are neither."""
    return {
        modality: {
            "sessions": one[SESSIONS],
            "attended": one[PRESENT],
            "no_shows": one[NO_SHOWS],
            "rate": round(one[PRESENT] / (one[PRESENT] + one[NO_SHOWS]), 3) if one[PRESENT] + one[NO_SHOWS] else None,
        }
        for modality, one in sorted(totals.items())
    }
