"""Booking a patient, moving and cancelling the booking, signing in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduling.attendance import decider
from services.scheduling.attendance_state import attendance_id
from services.scheduling.booking import (
    AlreadyBooked,
    ArrivalInFuture,
    Arrive,
    AttendanceUnknown,
    Book,
    CancelBooking,
    Move,
    NotBooked,
)
from services.scheduling.participant import Participant
from services.scheduling.participant import decider as participants
from services.scheduling.passage import DetoxGateStands, Override, PatientNotKnown
from services.scheduling.slot import SessionMoved
from services.scheduling.staff import ProfessionNotEntitled, StaffMemberUnknown
from shared.events.scheduling import (
    BookingCancelled,
    BookingCancelReason,
    BookingMoved,
    DetoxGateClosed,
    GateOverridden,
    PatientArrived,
    SessionBooked,
)
from tests.scenario import Scenario
from tests.scheduling.situations import (
    ANNA,
    BEN,
    HALF_PAST_SEVEN,
    NOON,
    PHYSICIAN,
    POLICIES,
    SESSION,
    SIX,
    booked,
    has_plan,
    in_care,
    leader,
    met,
    nobody,
    physician,
    ready,
    slot,
)

attendance = Scenario(decider)
book = Book(ANNA, SESSION, slot, POLICIES.booking)
waiting = participants.fold([met, in_care, has_plan, DetoxGateClosed(ANNA)])
override = Override(PHYSICIAN, "Stable on buprenorphine, seen this morning")
cancel = CancelBooking(SIX, BookingCancelReason.ILLNESS, POLICIES.booking, SIX - timedelta(hours=24))


def cancelled(reason: BookingCancelReason, *, in_time: bool) -> BookingCancelled:
    return BookingCancelled(
        patient_id=booked.patient_id,
        session_id=booked.session_id,
        group_id=booked.group_id,
        modality=booked.modality,
        kind=booked.kind,
        session_on=booked.session_on,
        zone=booked.zone,
        reason=reason,
        in_time=in_time,
    )


def test_a_patient_who_is_ready_is_booked() -> None:
    assert attendance.given().when(book, ready) == [booked]


def test_a_patient_is_booked_into_a_session_once() -> None:
    with pytest.raises(AlreadyBooked):
        attendance.given(booked).when(book, ready)


def test_the_detox_gate_keeps_a_patient_out_of_groups() -> None:
    with pytest.raises(DetoxGateStands) as refusal:
        attendance.given().when(book, waiting)

    assert refusal.value.facts == {"gates": ["detox"]}
    assert refusal.value.field == "patient_ids"
    with pytest.raises(PatientNotKnown):
        attendance.given().when(book, Participant())


def test_a_physician_lets_a_patient_pass_by_name_and_with_a_reason() -> None:
    events = attendance.given().when(replace(book, override=override), waiting, physician)

    assert events[:1] == [booked]
    (overridden,) = events[1:]
    assert isinstance(overridden, GateOverridden)
    assert (overridden.gates, overridden.authorised_by) == (("detox",), PHYSICIAN)
    assert overridden.reason == "Stable on buprenorphine, seen this morning"
    assert decider.fold(events) == decider.fold([booked])


def test_not_everybody_may_let_a_patient_pass() -> None:
    with pytest.raises(ProfessionNotEntitled):
        attendance.given().when(replace(book, override=override), waiting, leader)
    with pytest.raises(StaffMemberUnknown):
        attendance.given().when(replace(book, override=override), waiting, nobody)


def test_a_booking_moves_with_its_session() -> None:
    later = replace(slot, starts_at=HALF_PAST_SEVEN, ends_at=HALF_PAST_SEVEN + timedelta(hours=1))

    (moved,) = attendance.given(booked).when(Move(later))

    assert isinstance(moved, BookingMoved)
    assert (moved.starts_at, moved.session_id) == (HALF_PAST_SEVEN, SESSION)
    assert decider.fold([booked, moved]).starts_at == HALF_PAST_SEVEN
    with pytest.raises(SessionMoved):
        attendance.given(booked, moved).when(cancel)


@pytest.mark.parametrize(
    ("hours_before", "reason", "in_time"),
    [
        (24, BookingCancelReason.ILLNESS, True),
        (23, BookingCancelReason.ILLNESS, False),
        (0, BookingCancelReason.SESSION_CANCELLED, True),
    ],
)
def test_a_late_cancellation_is_the_patients_not_the_clinics(
    hours_before: int, reason: BookingCancelReason, *, in_time: bool
) -> None:
    events = attendance.given(booked).when(replace(cancel, reason=reason, now=SIX - timedelta(hours=hours_before)))

    assert events == [cancelled(reason, in_time=in_time)]


def test_a_booking_that_was_given_up_can_be_made_again() -> None:
    given_up = cancelled(BookingCancelReason.ILLNESS, in_time=True)

    assert attendance.given(booked, given_up).when(book, ready) == [booked]
    with pytest.raises(NotBooked):
        attendance.given(booked, given_up).when(cancel)


def test_a_patient_signs_in_once_and_not_before_it_happens() -> None:
    (arrived,) = attendance.given(booked).when(Arrive(SIX, SIX))

    assert isinstance(arrived, PatientArrived)
    assert arrived.arrived_at == SIX
    with pytest.raises(NotBooked):
        attendance.given(booked, arrived).when(Arrive(SIX, SIX))
    with pytest.raises(ArrivalInFuture):
        attendance.given(booked).when(Arrive(SIX, NOON))
    with pytest.raises(AttendanceUnknown):
        attendance.given().when(Arrive(SIX, SIX))


def test_an_attendance_is_the_patients_and_the_sessions_own() -> None:
    assert attendance_id(SESSION, ANNA) == attendance_id(SESSION, ANNA)
    assert attendance_id(SESSION, ANNA) != attendance_id(SESSION, BEN)
    assert isinstance(booked, SessionBooked)
