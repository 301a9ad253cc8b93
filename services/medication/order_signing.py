"""A signature asks the rules once more: what blocks stops it, what may be overridden needs a name, a reason and where the rule says so a second person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.medication.chart import Chart
from services.medication.prescription import Prescription
from services.medication.rules import Outcome, Rule
from services.medication.rules_facts import Asking, fired
from shared.access import Role
from shared.decider import command
from shared.events.medication import OrderSigned, OverrideApproved, OverrideRequested
from shared.failures import Forbidden, Refused
from shared.units import Code, Prose


@dataclass(frozen=True)
class Signer:
    """Who signs or overrides, and what they are."""

    subject: str
    roles: frozenset[Role]


@command
class SignOrder:
    """Take responsibility for the order; `rationale` answers every rule that needs no more than the signer's own reason."""

    order_id: UUID
    signer: Signer
    asking: Asking
    rationale: Prose | None


@command
class RequestOverride:
    """Ask that the order go through in spite of a rule that fires."""

    order_id: UUID
    rule_id: Code
    signer: Signer
    asking: Asking
    reason: Prose


@command
class ApproveOverride:
    """Agree, as a second person."""

    rule_id: Code
    signer: Signer
    asking: Asking


@dataclass(frozen=True)
class Overriding:
    """How far the override of one rule has come."""

    requested: OverrideRequested
    approved_by: str | None = None

    @property
    def effective(self) -> bool:
        """Whether the order may go through."""
        return self.approved_by is not None or not self.requested.second_person


class OrderBlocked(Refused):
    """A rule stands against the order and nobody may override it."""


class OverrideNeeded(Refused):
    """A rule stands against the order until it is overridden by those who may."""


class RationaleNeeded(Refused):
    """A rule asks for the prescriber's reason; signing needs a rationale."""


class RuleNotInTheWay(Refused):
    """The rule does not stand against the order, or cannot be overridden."""


class OverrideNotYours(Forbidden):
    """The rule is overridden by others."""


class OverrideAlreadyRequested(Refused):
    """The override of this rule was asked for already."""


class OverrideNotRequested(Refused):
    """Nobody has asked to override this rule."""


class OverrideAlreadyApproved(Refused):
    """The override of this rule needs no more approval."""


class SecondPersonNeeded(Refused):
    """Whoever asked for the override cannot approve it."""


type Overrides = Mapping[str, Overriding]


def sign(prescription: Prescription, overrides: Overrides, command: SignOrder, chart: Chart) -> OrderSigned:
    """Raises OrderBlocked, OverrideNeeded, RationaleNeeded, each with the rule, its source and who may override."""
    said = fired(command.order_id, prescription, chart, command.asking)
    refuse(OrderBlocked, [one for one in said if one.outcome is Outcome.BLOCK])
    open_still = [one for one in said if one.outcome is Outcome.OVERRIDE and not answered(one, overrides)]
    own = [one for one in open_still if by_rationale(one, command.signer)]
    refuse(OverrideNeeded, [one for one in open_still if one not in own])
    if command.rationale is None:
        refuse(RationaleNeeded, own, field="rationale")
    rules = command.asking.table.at(prescription.home_site_id, prescription.medicine)
    return OrderSigned(
        medicine=prescription.medicine,
        dose_mg=prescription.dose_mg,
        starts_on=prescription.starts_on,
        ends_on=prescription.ends_on,
        policies=tuple(used for rule in rules for used in rule.used),
        limits_exceeded=tuple(one.id for one in own),
        rationale=command.rationale,
        rules_fired=tuple(one.fired for one in said),
    )


def answered(rule: Rule, overrides: Overrides) -> bool:
    """Whether the rule was overridden in its present version."""
    one = overrides.get(rule.id)
    return one is not None and one.requested.rule_version == rule.version and one.effective


def by_rationale(rule: Rule, signer: Signer) -> bool:
    """Whether the signer's own reason is enough."""
    override = rule.override
    return override is not None and not override.second_person and not signer.roles.isdisjoint(override.roles)


def refuse(failure: type[Refused], rules: Sequence[Rule], field: str | None = None) -> None:
    """Raise it for the first rule, and name all of them."""
    if rules:
        raise failure(field=field, **rules[0].named, rules=[one.named for one in rules])


def request(
    prescription: Prescription, overrides: Overrides, command: RequestOverride, chart: Chart
) -> OverrideRequested:
    """Only a rule that stands against the order, and only by those who may."""
    said = fired(command.order_id, prescription, chart, command.asking)
    rule = overridable(said, command.rule_id)
    check_role(rule, command.signer, rule.override.roles if rule.override else ())
    before = overrides.get(rule.id)
    if before is not None and before.requested.rule_version == rule.version:
        raise OverrideAlreadyRequested(**rule.named)
    second = rule.override is not None and rule.override.second_person
    return OverrideRequested(rule.id, rule.version, command.signer.subject, second, command.reason)


def overridable(said: Iterable[Rule], rule_id: str) -> Rule:
    """The rule that fired and may be overridden. Raises RuleNotInTheWay, OrderBlocked."""
    rule = next((one for one in said if one.id == rule_id), None)
    if rule is not None and rule.outcome is Outcome.BLOCK:
        refuse(OrderBlocked, [rule])
    if rule is None or rule.outcome is not Outcome.OVERRIDE:
        raise RuleNotInTheWay(field="rule_id")
    return rule


def approve(overrides: Overrides, command: ApproveOverride) -> OverrideApproved:
    """Two people: whoever asked cannot approve, and one approval is all there is."""
    before = overrides.get(command.rule_id)
    if before is None:
        raise OverrideNotRequested
    if before.effective:
        raise OverrideAlreadyApproved(approved_by=before.approved_by)
    requested = before.requested
    rule = command.asking.table.rule(requested.rule_id, requested.rule_version)
    if rule is None or rule.override is None:
        raise RuleNotInTheWay
    check_role(rule, command.signer, rule.override.second_roles)
    if requested.requested_by == command.signer.subject:
        raise SecondPersonNeeded(**rule.named)
    return OverrideApproved(rule.id, requested.rule_version, requested.requested_by, command.signer.subject)


def overridden(overrides: Overrides, event: OverrideRequested | OverrideApproved) -> Overrides:
    """The overrides after the event; a rule that came in a new version is asked for anew."""
    if isinstance(event, OverrideRequested):
        return {**overrides, event.rule_id: Overriding(event)}
    return {**overrides, event.rule_id: replace(overrides[event.rule_id], approved_by=event.approved_by)}


def check_role(rule: Rule, signer: Signer, roles: Iterable[Role]) -> None:
    """Raises OverrideNotYours."""
    if signer.roles.isdisjoint(roles):
        raise OverrideNotYours(**rule.named)
