"""A rule looks at an order and at what is known of the patient, and says allow, warn, block, or only with a named override."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from services.medication.limits import Version
from services.medication.product import Evidence
from shared.access import Role
from shared.events.medication import PolicyUsed, RuleFired
from shared.units import Code, Name, SiteId

type Bound = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=3)]
type Value = Decimal | str | frozenset[str]
type Facts = Mapping[str, Value]
"""What is known, by fact: an amount in the fact's unit (a moment: hours since), a choice, or a set. What is absent is unknown."""


class Outcome(StrEnum):
    """What a rule that fired means for the order, weakest first."""

    ALLOW = "allow"
    WARN = "warn"
    OVERRIDE = "override"
    BLOCK = "block"


@dataclass(frozen=True)
class Condition:
    """One thing that a rule asks of one fact. On an unknown fact only `unknown` holds."""

    fact: Code
    above: Bound | None = None
    at_least: Bound | None = None
    below: Bound | None = None
    at_most: Bound | None = None
    unit: Name | None = None
    is_in: tuple[Code, ...] = ()
    includes_any: tuple[Code, ...] = ()
    unknown: bool = False

    def holds(self, facts: Facts) -> bool:
        """Whether the fact is as the condition says."""
        value = facts.get(self.fact)
        if self.unknown or value is None:
            return self.unknown and value is None
        match value:
            case Decimal():
                return self._bounds(value)
            case str():
                return value in self.is_in
            case frozenset():
                return not value.isdisjoint(self.includes_any)

    def _bounds(self, value: Decimal) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    @property
    def bounds(self) -> dict[str, Decimal]:
        """The bounds that are set, by name."""
        named = {"above": self.above, "at_least": self.at_least, "below": self.below, "at_most": self.at_most}
        return {name: bound for name, bound in named.items() if bound is not None}


@dataclass(frozen=True)
class Override:
    """Who may let an order through all the same; with `second_person` somebody else, in `second_roles`, has to approve."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    second_person: bool
    second_roles: Annotated[tuple[Role, ...], Field(min_length=1)] = (Role.PRESCRIBER,)


@dataclass(frozen=True)
class RuleSource:
    """Where a rule comes from: the label or guideline, its section, and how sure that is."""

    text: Name
    section: Name
    evidence: Evidence


@dataclass(frozen=True)
class SiteRange:
    """Within which values a site may move the rule's first bound, both ends included."""

    at_least: Bound
    at_most: Bound


@dataclass(frozen=True)
class Rule:
    """It fires for its medicines when all of `when` holds and none of `unless`.

    `tasks` are what somebody is asked to do. `site` and `site_version` are set where a site moved the bound.
    """

    id: Code
    version: Version
    medicines: Annotated[tuple[Code, ...], Field(min_length=1)]
    when: tuple[Condition, ...]
    outcome: Outcome
    reason: Name
    source: RuleSource
    signed_off_by: Name | None
    unless: tuple[Condition, ...] = ()
    override: Override | None = None
    tasks: tuple[Code, ...] = ()
    site_range: SiteRange | None = None
    site: SiteId | None = None
    site_version: Version | None = None

    def fires(self, facts: Facts) -> bool:
        """Whether the rule has something to say about these facts."""
        return all(one.holds(facts) for one in self.when) and not any(one.holds(facts) for one in self.unless)

    @property
    def used(self) -> tuple[PolicyUsed, ...]:
        """How a decision names the rule, and the site's bound if it moved one."""
        rule = PolicyUsed(self.id, self.version)
        if self.site is None or self.site_version is None:
            return (rule,)
        return (rule, PolicyUsed(f"{self.id}/{self.site}", self.site_version))

    @property
    def may_override(self) -> str:
        """Who may let the order through, in words."""
        if self.outcome is not Outcome.OVERRIDE or self.override is None:
            return "nobody; change the order, or record what has changed about the patient"
        second = f", approved by another person ({_either(self.override.second_roles)})"
        return f"{_either(self.override.roles)}, with a reason" + (second if self.override.second_person else "")

    @property
    def named(self) -> dict[str, Any]:
        """How a refusal names it."""
        return {
            "rule": self.id,
            "rule_version": self.version,
            "reason": self.reason,
            "source": f"{self.source.text}: {self.source.section}",
            "evidence": self.source.evidence.value,
            "may_override": self.may_override,
            "second_person": self.override is not None and self.override.second_person,
        }

    @property
    def fired(self) -> RuleFired:
        """How an event says that it fired."""
        return RuleFired(self.id, self.version, self.outcome.value)

    def moved(self, site: str, site_version: int, bound: Decimal) -> "Rule":
        """The rule as a site has it: the first bound at `bound`."""
        place = next(index for index, one in enumerate(self.when) if one.bounds)
        name = next(iter(self.when[place].bounds))
        named: dict[str, Any] = {name: bound}
        changed = replace(self.when[place], **named)
        when = (*self.when[:place], changed, *self.when[place + 1 :])
        return replace(self, when=when, site=site, site_version=site_version)


def _either(roles: Iterable[Role]) -> str:
    return " or ".join(f"a {role.value.replace('_', ' ')}" for role in roles)


def evaluate(rules: Iterable[Rule], medicine: str, facts: Facts) -> tuple[Rule, ...]:
    """Every rule that fires for the medicine, in the order of the table."""
    return tuple(one for one in rules if medicine in one.medicines and one.fires(facts))
