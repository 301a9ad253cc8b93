"""The authority to dose a patient is with one site at a time; it is handed over to a guest site and comes back by itself."""

from collections.abc import Sequence
from datetime import date
from typing import Final, assert_never
from uuid import UUID

from services.medication import guest
from services.medication.guest import (
    AcceptGuest,
    ApproveGuest,
    DeclineGuest,
    RequestGuest,
)
from services.medication.stay import Authority, Stay, StayStatus, Tenure
from services.medication.window_policies import window_policies
from shared.decider import Decider, command
from shared.events.medication import (
    AuthorityEstablished,
    AuthorityEvent,
    AuthorityHandedOver,
    AuthorityReturned,
    GlassBroken,
    GuestDosingApproved,
    GuestDosingDeclined,
    GuestDosingRequested,
    ReturnReason,
)
from shared.failures import Refused
from shared.units import Prose

TENURES_MAX: Final = 12
"""How many moves back a late entry may have been given at a site that held the authority then."""


@command
class SettleAuthority:
    """Comes with everything that is recorded about a dose: the first one establishes the authority, a stay that is over ends."""

    patient_id: UUID
    home_site_id: str
    on: date


@command
class ReturnAuthority:
    """The stay ends. The timer names the epoch that it was set for, so that it ends no later one; people name their site."""

    guest_id: UUID
    on: date
    site_id: str | None = None
    epoch: int | None = None


@command
class BreakGlass:
    """A named physician has a site without the authority give one dose."""

    patient_id: UUID
    order_id: UUID
    dose_id: UUID
    home_site_id: str
    site_id: str
    dosing_on: date
    on: date
    physician: str
    reason: Prose


type Command = SettleAuthority | RequestGuest | ApproveGuest | DeclineGuest | AcceptGuest | ReturnAuthority | BreakGlass


class DosingAuthorityElsewhere(Refused):
    """Another site holds the authority to dose this patient."""


class NoGuestHere(Refused):
    """The patient is not a guest under this stay."""


class AuthorityNotHeld(Refused):
    """Only the site that has the patient as a guest, or the home site, may end the stay."""


def evolve(authority: Authority, event: AuthorityEvent) -> Authority:
    """The authority after the event."""
    match event:
        case AuthorityEstablished():
            return Authority(event.site_id, event.site_id, event.epoch, tenures=(Tenure(event.site_id, date.min),))
        case GuestDosingRequested() | GuestDosingApproved() | GuestDosingDeclined():
            return guest.evolve(authority, event)
        case AuthorityHandedOver():
            return moved(authority, event, guest.under_way(authority, event))
        case AuthorityReturned():
            return moved(authority, event, None)
        case GlassBroken():
            return authority
        case _:
            assert_never(event)


def moved(authority: Authority, event: AuthorityHandedOver | AuthorityReturned, stay: Stay | None) -> Authority:
    """With the other site. A hand-over without an end makes that site the home."""
    for_good = isinstance(event, AuthorityHandedOver) and event.until_on is None
    return Authority(
        home_site_id=event.to_site_id if for_good else authority.home_site_id,
        site_id=event.to_site_id,
        epoch=event.epoch,
        stay=None if for_good else stay,
        tenures=(*authority.tenures, Tenure(event.to_site_id, event.on))[-TENURES_MAX:],
    )


def decide(authority: Authority, command: Command) -> Sequence[AuthorityEvent]:
    """What happens on the command."""
    match command:
        case SettleAuthority():
            return settle(authority, command.patient_id, command.home_site_id, command.on)
        case RequestGuest():
            settled = settle(authority, command.patient_id, command.home_site_id, command.asked_on)
            return [*settled, *guest.request(after(authority, settled), command)]
        case ApproveGuest() | DeclineGuest() | AcceptGuest():
            return guest.decide(authority, command)
        case ReturnAuthority():
            return give_back(authority, command)
        case BreakGlass():
            return break_glass(authority, command)
        case _:
            assert_never(command)


def after(authority: Authority, events: Sequence[AuthorityEvent]) -> Authority:
    """The authority once these have happened."""
    for event in events:
        authority = evolve(authority, event)
    return authority


def settle(authority: Authority, patient_id: UUID, home_site_id: str, on: date) -> Sequence[AuthorityEvent]:
    """Write down what is so already: the home site of the first order holds it, and a stay past its last day is over."""
    if authority.site_id is None:
        return [AuthorityEstablished(patient_id, home_site_id, 1)]
    if authority.stay is not None and authority.stay.over(on):
        return [returned(authority, authority.stay, on, ReturnReason.STAY_OVER)]
    return []


def returned(authority: Authority, stay: Stay, on: date, reason: ReturnReason) -> AuthorityReturned:
    """Back to the home site, one epoch later."""
    home, site = authority.parties
    return AuthorityReturned(stay.patient_id, stay.guest_id, site, home, authority.epoch + 1, on, reason)


def give_back(authority: Authority, command: ReturnAuthority) -> Sequence[AuthorityEvent]:
    """By the timer, the guest site or the home site; a timer that comes after another return does nothing."""
    stay = authority.stay
    here = stay is not None and stay.status is StayStatus.UNDER_WAY and stay.guest_id == command.guest_id
    if command.site_id is None:
        due = here and authority.epoch == command.epoch
        return [returned(authority, stay, command.on, ReturnReason.STAY_OVER)] if due and stay is not None else []
    if stay is None or not here:
        raise NoGuestHere
    if command.site_id == authority.home_site_id:
        return [returned(authority, stay, command.on, ReturnReason.RECALLED)]
    if command.site_id == authority.site_id:
        return [returned(authority, stay, command.on, ReturnReason.BACK_EARLY)]
    raise AuthorityNotHeld(holder_site_id=authority.site_id, **window_policies().authority.named)


def break_glass(authority: Authority, command: BreakGlass) -> Sequence[AuthorityEvent]:
    """Nothing moves; it is written down who answers for the dose. A site that holds the authority has no glass to break."""
    settled = settle(authority, command.patient_id, command.home_site_id, command.on)
    now = after(authority, settled)
    if may_dose(now, command.home_site_id, command.site_id, command.on, late=True):
        return settled
    broken = GlassBroken(
        patient_id=command.patient_id,
        order_id=command.order_id,
        dose_id=command.dose_id,
        site_id=command.site_id,
        holder_site_id=now.site_id or command.home_site_id,
        epoch=now.epoch,
        dosing_on=command.dosing_on,
        physician=command.physician,
        reason=command.reason,
    )
    return [*settled, broken]


def may_dose(authority: Authority, home_site_id: str, site_id: str, on: date, *, late: bool) -> bool:
    """Whether the site holds the authority; a dose that is entered late, whether it held it on the whole of that date."""
    return site_id == authority.holder(home_site_id, on) or (late and site_id == authority.held_on(on))


def check_may_dose(authority: Authority, home_site_id: str, site_id: str, on: date, *, late: bool = False) -> None:
    """Raises DosingAuthorityElsewhere, with the site to ask."""
    if not may_dose(authority, home_site_id, site_id, on, late=late):
        raise DosingAuthorityElsewhere(
            holder_site_id=authority.holder(home_site_id, on),
            epoch=authority.epoch,
            **window_policies().authority.named,
        )


def end_of(authority: Authority, guest_id: UUID) -> tuple[str, date | None]:
    """The zone and the last day of the stay, from which the edge computes when it ends. Raises GuestStayUnknown."""
    if authority.stay is None or authority.stay.guest_id != guest_id:
        raise guest.GuestStayUnknown
    return authority.stay.zone, authority.stay.until_on


decider: Final[Decider[Authority]] = Decider("authority", Authority(), decide, evolve)
