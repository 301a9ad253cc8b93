"""A guest is dosed at another site for some days: asked for there, approved by the site that holds the authority, accepted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from services.medication.prescription import Prescription
from services.medication.stay import Authority, Stay, StayStatus
from services.medication.window_policies import GuestPolicy, window_policies
from shared.decider import command
from shared.events.medication import (
    AuthorityEvent,
    AuthorityHandedOver,
    GuestDosingApproved,
    GuestDosingDeclined,
    GuestDosingRequested,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose


@command
class RequestGuest:
    """A site asks; `home_site_id` and `zone` are the order's."""

    patient_id: UUID
    guest_id: UUID
    order_id: UUID
    site_id: str
    home_site_id: str
    zone: str
    from_on: date
    until_on: date | None
    asked_on: date
    requested_by: str
    reason: Prose
    policy: GuestPolicy


@command
class ApproveGuest:
    """The site that holds the authority agrees."""

    guest_id: UUID
    site_id: str
    approved_by: str
    last_dose_mg: Decimal | None
    last_dose_on: date | None
    take_homes_held: int
    note: Prose | None


@command
class DeclineGuest:
    """The site that holds the authority does not agree, or the one that asked takes it back."""

    guest_id: UUID
    site_id: str
    declined_by: str
    note: Prose | None


@command
class AcceptGuest:
    """The patient is there: the authority moves. `return_at` is when the day after the stay begins."""

    guest_id: UUID
    site_id: str
    on: date
    return_at: datetime | None


class GuestStayUnknown(NotFound):
    """No such stay is asked for or under way."""


class GuestAlready(Refused):
    """Another stay of this patient is asked for or under way."""


class AuthorityAlreadyHere(Refused):
    """The site holds the authority already."""


class OrderOfAnotherPatient(Invalid):
    """The order is another patient's."""


class GuestStayTooLong(Invalid):
    """A stay as a guest may not be that long."""


class GuestDatesWrong(Invalid):
    """The stay ends before it begins, or has ended."""


class GuestNotForThisSite(Refused):
    """Another site has to answer this."""


class GuestNotRequested(Refused):
    """The stay was answered already."""


class GuestNotApproved(Refused):
    """The site that holds the authority has not agreed."""


class GuestStayNotBegun(Refused):
    """The stay begins later, or is over."""


def evolve(authority: Authority, event: GuestDosingRequested | GuestDosingApproved | GuestDosingDeclined) -> Authority:
    """The authority after the event: nothing moves before the stay is accepted."""
    match event:
        case GuestDosingRequested():
            days = (event.from_on, event.until_on)
            stay = Stay(event.patient_id, event.guest_id, event.site_id, event.zone, *days)
            return replace(authority, stay=stay)
        case GuestDosingApproved():
            assert authority.stay is not None
            return replace(authority, stay=replace(authority.stay, status=StayStatus.APPROVED))
        case GuestDosingDeclined():
            return replace(authority, stay=None)
        case _:
            assert_never(event)


def under_way(authority: Authority, event: AuthorityHandedOver) -> Stay | None:
    """The stay that the hand-over begins."""
    return authority.stay and replace(authority.stay, status=StayStatus.UNDER_WAY, until_on=event.until_on)


def order_of(prescription: Prescription, patient_id: UUID) -> Prescription:
    """The order that the guest is dosed on. Raises OrderOfAnotherPatient."""
    if prescription.patient_id != patient_id:
        raise OrderOfAnotherPatient(field="order_id")
    return prescription


def request(authority: Authority, command: RequestGuest) -> Sequence[AuthorityEvent]:
    """One stay at a time, at a site that does not hold the authority, for so many days at most."""
    if authority.stay is not None:
        raise GuestAlready(site_id=authority.stay.site_id, status=authority.stay.status.value)
    if authority.site_id == command.site_id:
        raise AuthorityAlreadyHere(site_id=command.site_id)
    if command.until_on is not None:
        if not max(command.from_on, command.asked_on) <= command.until_on:
            raise GuestDatesWrong(field="until_on")
        if (command.until_on - command.from_on).days >= command.policy.days_max:
            raise GuestStayTooLong(field="until_on", days_max=command.policy.days_max, **command.policy.named)
    return [
        GuestDosingRequested(
            patient_id=command.patient_id,
            guest_id=command.guest_id,
            order_id=command.order_id,
            site_id=command.site_id,
            home_site_id=authority.parties[1],
            zone=command.zone,
            from_on=command.from_on,
            until_on=command.until_on,
            requested_by=command.requested_by,
            policy_id=command.policy.id,
            policy_version=command.policy.version,
            reason=command.reason,
        )
    ]


def decide(authority: Authority, command: ApproveGuest | DeclineGuest | AcceptGuest) -> Sequence[AuthorityEvent]:
    """Approval and hand-over are two steps by two sites, so that the authority is never with nobody."""
    stay = authority.stay
    if stay is None or stay.guest_id != command.guest_id:
        raise GuestStayUnknown
    match command:
        case ApproveGuest():
            check_answered_by(authority, command.site_id)
            if stay.status is not StayStatus.REQUESTED:
                raise GuestNotRequested(status=stay.status.value)
            return [approved(stay, command)]
        case DeclineGuest():
            if stay.status is StayStatus.UNDER_WAY:
                raise GuestNotRequested(status=stay.status.value)
            if command.site_id != stay.site_id:
                check_answered_by(authority, command.site_id)
            return [GuestDosingDeclined(stay.patient_id, stay.guest_id, command.declined_by, command.note)]
        case AcceptGuest():
            return accept(authority, stay, command)
        case _:
            assert_never(command)


def approved(stay: Stay, command: ApproveGuest) -> GuestDosingApproved:
    """What the guest site has to know before it doses."""
    return GuestDosingApproved(
        patient_id=stay.patient_id,
        guest_id=stay.guest_id,
        approved_by=command.approved_by,
        last_dose_mg=command.last_dose_mg,
        last_dose_on=command.last_dose_on,
        take_homes_held=command.take_homes_held,
        note=command.note,
    )


def check_answered_by(authority: Authority, site_id: str) -> None:
    """Raises GuestNotForThisSite."""
    if authority.site_id != site_id:
        raise GuestNotForThisSite(holder_site_id=authority.site_id, **window_policies().authority.named)


def accept(authority: Authority, stay: Stay, command: AcceptGuest) -> Sequence[AuthorityEvent]:
    """The hand-over, within the days that were approved."""
    if command.site_id != stay.site_id:
        raise GuestNotForThisSite(site_id=stay.site_id)
    if stay.status is StayStatus.REQUESTED:
        raise GuestNotApproved(holder_site_id=authority.site_id)
    if stay.status is StayStatus.UNDER_WAY:
        return []
    if command.on < stay.from_on or (stay.until_on is not None and command.on > stay.until_on):
        raise GuestStayNotBegun(from_on=stay.from_on.isoformat(), until_on=stay.until_on and stay.until_on.isoformat())
    return [
        AuthorityHandedOver(
            patient_id=stay.patient_id,
            guest_id=stay.guest_id,
            from_site_id=authority.parties[1],
            to_site_id=stay.site_id,
            epoch=authority.epoch + 1,
            on=command.on,
            until_on=stay.until_on,
            return_at=command.return_at,
        )
    ]
