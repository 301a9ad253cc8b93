"""One patient at one session: booked, arrived, attended for so many minutes, and corrected if that was written down wrongly."""

from collections.abc import Sequence
from typing import Final

from services.scheduling.attendance_state import Attendance, evolve
from services.scheduling.booking import Arrive, Book, BookingCommand, CancelBooking, Move, decide_booking
from services.scheduling.recording import RecordCommand, decide_record
from shared.decider import Decider
from shared.events.scheduling import AttendanceEvent

type Command = BookingCommand | RecordCommand


def decide(attendance: Attendance, command: Command, *given: object) -> Sequence[AttendanceEvent]:
    """What happens on the command: before the session (`booking`) or after it (`recording`)."""
    if isinstance(command, Book | Move | CancelBooking | Arrive):
        return decide_booking(attendance, command, given)
    return decide_record(attendance, command, given)


decider: Final[Decider[Attendance]] = Decider("attendance", Attendance(), decide, evolve)
