"""How long a patient was there: what a status and the minutes of a session allow."""

from typing import assert_never

from shared.events.scheduling import AttendanceStatus
from shared.failures import Invalid


class MinutesNeeded(Invalid):
    """Somebody who came late or left early was there for fewer minutes than the session lasted: say how many."""


class MinutesExceedSession(Invalid):
    """Nobody attends longer than the session lasted, and nobody who attended was there for no time."""


class AbsentHasNoMinutes(Invalid):
    """Somebody who was not there has no minutes and no companions."""


def minutes_of(
    status: AttendanceStatus, minutes: int | None, session_minutes: int, *, companions: int = 0, where: str = ""
) -> int:
    """The patient's own minutes. Raises when status and minutes contradict each other, in the line `where`."""
    match status:
        case AttendanceStatus.ATTENDED:
            there = session_minutes if minutes is None else minutes
            if not 0 < there <= session_minutes:
                raise MinutesExceedSession(field=f"{where}minutes", session_minutes=session_minutes)
            return there
        case AttendanceStatus.ARRIVED_LATE | AttendanceStatus.LEFT_EARLY:
            if minutes is None or not 0 < minutes < session_minutes:
                raise MinutesNeeded(field=f"{where}minutes", session_minutes=session_minutes)
            return minutes
        case AttendanceStatus.NO_SHOW | AttendanceStatus.EXCUSED:
            if minutes or companions:
                raise AbsentHasNoMinutes(field=f"{where}minutes")
            return 0
        case _:
            assert_never(status)
