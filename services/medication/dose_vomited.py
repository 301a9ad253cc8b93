"""A vomited dose: the policy proposes how much is replaced, a prescriber decides, and it is given once, in the same slot; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from services.medication.authority import check_may_dose
from services.medication.dose_state import Slot
from services.medication.dosing_slot import Place
from services.medication.product import Product
from services.medication.stay import Authority
from services.medication.window_policies import VomitedPolicy
from shared.decider import command
from shared.events.medication import DoseAdministered, DoseReplaced, DoseReplacementDecided, DoseVomited
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose


@command
class ReportVomited:
    """The dose came up again at `vomited_at`."""

    vomited_at: datetime
    witnessed_by: str | None
    policy: VomitedPolicy


@command
class DecideReplacement:
    """Replace so much, in mg; 0 is nothing."""

    dose_mg: Decimal
    decided_by: str
    rationale: Prose | None
    policy: VomitedPolicy


@command
class ReplaceDose:
    """The patient took what was decided."""

    place: Place
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str
    product: Product
    policy: VomitedPolicy


type OnVomited = ReportVomited | DecideReplacement | ReplaceDose


class NothingToVomit(NotFound):
    """No dose was given in this slot."""


class VomitedBeforeTheDose(Invalid):
    """The dose was given later than that."""


class VomitingAlreadyReported(Refused):
    """It is written down already that this dose was vomited."""


class VomitingNotReported(Refused):
    """Nobody has said that this dose was vomited."""


class ReplacementAlreadyDecided(Refused):
    """A prescriber has decided about this dose already."""


class ReplacementNotDecided(Refused):
    """A prescriber decides first whether a vomited dose is replaced."""


class ReplacementTooLarge(Invalid):
    """No more is replaced than was given, and no more is given than was decided."""


class ReplacementNeedsReason(Invalid):
    """It is more than the policy proposes: the prescriber has to say why."""


class ReplacementNotDispensable(Invalid):
    """The amount cannot be made up from the product's strengths."""


class AlreadyReplaced(Refused):
    """The vomited dose was replaced already."""


class TooLateToReplace(Refused):
    """So long after the vomiting nothing is replaced."""


def decide(
    slot: Slot, command: OnVomited, looked_at: Iterable[object]
) -> Sequence[DoseVomited | DoseReplacementDecided | DoseReplaced]:
    """What happens on the command; a replacement looks at the authority."""
    given = slot.administered
    if given is None:
        raise NothingToVomit
    match command:
        case ReportVomited():
            return [reported(slot, given, command)]
        case DecideReplacement():
            return [decided(slot, given, command)]
        case ReplaceDose():
            authority = next((one for one in looked_at if isinstance(one, Authority)), Authority())
            return [replaced(slot, given, command, authority)]
        case _:
            assert_never(command)


def reported(slot: Slot, given: DoseAdministered, command: ReportVomited) -> DoseVomited:
    """With what the policy would replace."""
    if slot.vomited is not None:
        raise VomitingAlreadyReported
    if command.vomited_at < given.given_at:
        raise VomitedBeforeTheDose(field="vomited_at", given_at=given.given_at.isoformat())
    minutes = (command.vomited_at - given.given_at) // timedelta(minutes=1)
    witnessed = command.witnessed_by is not None
    return DoseVomited(
        patient_id=given.patient_id,
        order_id=given.order_id,
        medicine=given.medicine,
        home_site_id=given.home_site_id,
        vomited_at=command.vomited_at,
        minutes_since_dose=minutes,
        witnessed_by=command.witnessed_by,
        proposed_mg=command.policy.proposed_mg(given.medicine, given.dose_mg, minutes, witnessed=witnessed),
        policy=command.policy.used,
    )


def decided(slot: Slot, given: DoseAdministered, command: DecideReplacement) -> DoseReplacementDecided:
    """Up to the dose itself; above the proposal with a reason."""
    if slot.vomited is None:
        raise VomitingNotReported
    if slot.replacement is not None:
        raise ReplacementAlreadyDecided(decided_by=slot.replacement.decided_by)
    if command.dose_mg > given.dose_mg:
        raise ReplacementTooLarge(field="dose_mg", dose_mg_max=str(given.dose_mg))
    if command.dose_mg > slot.vomited.proposed_mg and command.rationale is None:
        raise ReplacementNeedsReason(
            field="rationale", proposed_mg=str(slot.vomited.proposed_mg), **command.policy.named
        )
    who = (given.patient_id, given.order_id, given.home_site_id)
    return DoseReplacementDecided(*who, command.dose_mg, command.decided_by, command.rationale)


def replaced(slot: Slot, given: DoseAdministered, command: ReplaceDose, authority: Authority) -> DoseReplaced:
    """Once, in time, at the site with the authority."""
    if slot.vomited is None or slot.replacement is None or slot.replacement.dose_mg == 0:
        raise ReplacementNotDecided(**command.policy.named)
    if slot.replaced:
        raise AlreadyReplaced
    if command.dose_mg > slot.replacement.dose_mg:
        raise ReplacementTooLarge(field="dose_mg", dose_mg_max=str(slot.replacement.dose_mg))
    if not command.product.dispensable(command.dose_mg):
        raise ReplacementNotDispensable(field="dose_mg")
    latest = slot.vomited.vomited_at + timedelta(minutes=command.policy.replaced_within_minutes_max)
    if not slot.vomited.vomited_at <= command.given_at <= latest:
        raise TooLateToReplace(until=latest.isoformat(), **command.policy.named)
    check_may_dose(authority, given.home_site_id, command.site_id, command.place.on, late=False)
    return DoseReplaced(
        patient_id=given.patient_id,
        order_id=given.order_id,
        medicine=given.medicine,
        home_site_id=given.home_site_id,
        site_id=command.site_id,
        dose_mg=command.dose_mg,
        given_at=command.given_at,
        observed_by=command.observed_by,
    )
