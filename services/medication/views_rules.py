"""What the rules say about an order, as it is read: reason, source, and who may override."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.medication import order as orders
from services.medication.asking import asking_about, chart_of, own_order
from services.medication.rules import Outcome, Rule
from services.medication.rules_facts import facts, fired
from services.medication.rules_table import plain, rule_table
from shared.events.medication import PolicyUsed, RuleFired
from shared.http import Accepted, QueryDoor


@dataclass(frozen=True)
class CheckLine:
    """One rule that fired; reason and source are null for a version that is kept no longer."""

    rule: str
    rule_version: int
    outcome: Outcome
    reason: str | None
    source: str | None
    evidence: str | None
    tasks: list[str]
    may_override: str | None


@dataclass(frozen=True)
class OverrideLine:
    """How far the override of one rule has come."""

    rule: str
    rule_version: int
    requested_by: str
    second_person: bool
    approved_by: str | None
    effective: bool


@dataclass(frozen=True)
class OrderAccepted(Accepted):
    """The draft is on disk; `checks` is what the rules say about it now. They are asked again when it is signed."""

    checks: list[CheckLine]


@dataclass(frozen=True)
class OrderChecks:
    """What stands in the way of an order at this moment, by which facts, in which versions of the rules."""

    order_id: UUID
    outcome: Outcome
    checks: list[CheckLine]
    overrides: list[OverrideLine]
    facts: dict[str, str | list[str]]
    policies: list[PolicyUsed]


def lines(rules_fired: Iterable[RuleFired]) -> list[CheckLine]:
    """What fired, with the words of the version that fired."""
    return [_line(one, rule_table().rule(one.rule_id, one.rule_version)) for one in rules_fired]


def _line(one: RuleFired, rule: Rule | None) -> CheckLine:
    if rule is None:
        return CheckLine(one.rule_id, one.rule_version, Outcome(one.outcome), None, None, None, [], None)
    source = f"{rule.source.text}: {rule.source.section}"
    said = (rule.reason, source, rule.source.evidence.value, list(rule.tasks), rule.may_override)
    return CheckLine(rule.id, rule.version, rule.outcome, *said)


def overrides(order: orders.Order) -> list[OverrideLine]:
    """Every override that somebody asked for."""
    return [
        OverrideLine(
            rule=one.requested.rule_id,
            rule_version=one.requested.rule_version,
            requested_by=one.requested.requested_by,
            second_person=one.requested.second_person,
            approved_by=one.approved_by,
            effective=one.effective,
        )
        for _, one in sorted(order.overrides.items())
    ]


async def drafted(door: QueryDoor, order_id: UUID, accepted: Accepted) -> OrderAccepted:
    """The answer to a draft, the same for a retry: what fired is part of the event."""
    state, _ = await door.state(orders.decider, order_id)
    return OrderAccepted(**vars(accepted), checks=lines(state.rules_fired))


async def checked(door: QueryDoor, order_id: UUID) -> OrderChecks:
    """The rules asked now, on the chart as it stands. Raises NotFound."""
    state, prescription = await own_order(door, order_id)
    asking, chart = await asking_about(door, prescription), await chart_of(door, prescription.patient_id)
    said = fired(order_id, prescription, chart, asking)
    rules = asking.table.at(prescription.home_site_id, prescription.medicine)
    strongest = max((one.outcome for one in said), key=list(Outcome).index, default=Outcome.ALLOW)
    return OrderChecks(
        order_id=order_id,
        outcome=strongest,
        checks=lines(one.fired for one in said),
        overrides=overrides(state),
        facts={name: plain(value) for name, value in facts(order_id, prescription, chart, asking).items()},
        policies=[used for rule in rules for used in rule.used],
    )
