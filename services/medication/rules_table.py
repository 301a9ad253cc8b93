"""The rules as they stand in `policies/rules`, read once and checked before anything starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, assert_never

from pydantic import Field

from services.medication.formulary import FOLDER, FormularyDataError, formulary, read
from services.medication.limits import Version
from services.medication.product import Evidence
from services.medication.rules import Bound, Condition, Outcome, Rule
from shared.units import Code, Name, Prose, SiteId

RULES: Final = FOLDER / "policies" / "rules"
HOURS: Final = "h"
_REFERENCE: Final = frozenset({"facts.yaml", "classes.yaml"})


class FactKind(StrEnum):
    """What a fact's value is; a moment is looked at as the hours since."""

    AMOUNT = "amount"
    CHOICE = "choice"
    MOMENT = "moment"
    CLASSES = "classes"


class FactFrom(StrEnum):
    """Who says so: somebody who recorded it, or the order itself."""

    FINDING = "finding"
    ORDER = "order"


@dataclass(frozen=True)
class FactKnown:
    """One fact that rules may look at. A finding older than `counts_hours` is unknown again; None: it counts for good."""

    id: Code
    kind: FactKind
    origin: FactFrom
    unit: Name | None = None
    lowest: Bound | None = None
    highest: Bound | None = None
    counts_hours: Annotated[int, Field(ge=1, le=100_000)] | None = None
    choices: tuple[Code, ...] = ()
    doses_of: tuple[Code, ...] = ()


@dataclass(frozen=True)
class SiteBound:
    """A site moved a rule's first bound, within the range that the rule allows."""

    rule: Code
    rule_version: Version
    site_id: SiteId
    version: Version
    bound: Bound
    source: Prose
    evidence: Evidence
    signed_off_by: Name | None


@dataclass(frozen=True)
class RuleTable:
    """All rules in their newest version, what they look at, and what each site changed."""

    rules: tuple[Rule, ...]
    known: Mapping[str, FactKnown]
    classes: Mapping[str, tuple[str, ...]]
    sites: tuple[SiteBound, ...]
    every_version: Mapping[tuple[str, int], Rule]

    def at(self, site_id: str, medicine: str) -> tuple[Rule, ...]:
        """The rules about a medicine, as the site has them."""
        changes = {one.rule: one for one in self.sites if one.site_id == site_id}
        return tuple(
            rule.moved(site_id, change.version, change.bound) if (change := changes.get(rule.id)) else rule
            for rule in self.rules
            if medicine in rule.medicines
        )

    def rule(self, rule_id: str, version: int) -> Rule | None:
        """This version of a rule; None when it is not kept any more."""
        return self.every_version.get((rule_id, version))

    def with_classes(self, medicines: Iterable[str]) -> frozenset[str]:
        """These medicines and every class that one of them belongs to."""
        named = frozenset(medicines)
        return named | {name for name, members in self.classes.items() if not named.isdisjoint(members)}


@cache
def rule_table(folder: Path = RULES) -> RuleTable:
    """Everything in `folder`. Raises FormularyDataError when a rule cannot ever fire as it stands."""
    known = {one.id: one for one in read(tuple[FactKnown, ...], folder / "facts.yaml")}
    classes = read(dict[Code, tuple[Code, ...]], folder / "classes.yaml")
    every: dict[tuple[str, int], Rule] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name in _REFERENCE:
            continue
        for rule in read(tuple[Rule, ...], path):
            if (rule.id, rule.version) in every:
                raise FormularyDataError(f"{path.name}: {rule.id} version {rule.version} stands twice")
            check(rule, known, classes)
            every[rule.id, rule.version] = rule
    newest = {rule_id: version for rule_id, version in sorted(every)}  # noqa: C416 - the last, highest version stays
    rules = tuple(rule for (rule_id, version), rule in every.items() if newest[rule_id] == version)
    sites = tuple(
        one for path in sorted((folder / "sites").glob("*.yaml")) for one in read(tuple[SiteBound, ...], path)
    )
    for one in sites:
        check_site(one, every, newest)
    return RuleTable(rules, known, classes, sites, every)


def check(rule: Rule, known: Mapping[str, FactKnown], classes: Mapping[str, Sequence[str]]) -> None:
    """What types cannot say about a rule: it names what there is, in its unit, and says who may override."""
    orderable = {one.medicine for one in formulary().newest()}
    for medicine in rule.medicines:
        if medicine not in orderable:
            raise FormularyDataError(f"{rule.id}: the formulary has no {medicine}")
    if (rule.outcome is Outcome.OVERRIDE) != (rule.override is not None):
        raise FormularyDataError(f"{rule.id}: an override says who may, and nothing else does")
    if rule.site is not None or rule.site_version is not None:
        raise FormularyDataError(f"{rule.id}: a site's bound stands in a file of its own")
    for condition in (*rule.when, *rule.unless):
        fact = known.get(condition.fact)
        if fact is None:
            raise FormularyDataError(f"{rule.id}: nothing is known of {condition.fact}")
        check_condition(rule, condition, fact, classes)
    if rule.site_range is not None:
        first = next((bound for one in rule.when for bound in one.bounds.values()), None)
        if first is None or not rule.site_range.at_least <= first <= rule.site_range.at_most:
            raise FormularyDataError(f"{rule.id}: the range for sites holds the rule's own bound")


def check_condition(rule: Rule, one: Condition, fact: FactKnown, classes: Mapping[str, Sequence[str]]) -> None:
    """A condition asks in one way, in the way that the fact can answer."""
    asks = [bool(one.bounds), bool(one.is_in), bool(one.includes_any), one.unknown]
    if asks.count(True) != 1:
        raise FormularyDataError(f"{rule.id}: {one.fact} is asked in one way")
    if one.unknown:
        return
    match fact.kind:
        case FactKind.AMOUNT | FactKind.MOMENT:
            unit = HOURS if fact.kind is FactKind.MOMENT else fact.unit
            fits = bool(one.bounds) and one.unit == unit
        case FactKind.CHOICE:
            fits = bool(one.is_in) and set(one.is_in) <= set(fact.choices or (p.id for p in formulary().newest()))
        case FactKind.CLASSES:
            fits = bool(one.includes_any) and set(one.includes_any) <= set(fact.choices or classes)
        case _:
            assert_never(fact.kind)
    if not fits:
        raise FormularyDataError(f"{rule.id}: {one.fact} cannot be asked so")


def check_site(one: SiteBound, every: Mapping[tuple[str, int], Rule], newest: Mapping[str, int]) -> None:
    """A site moves a bound of the rule's newest version, within its range."""
    rule = every.get((one.rule, one.rule_version))
    if rule is None or newest[one.rule] != one.rule_version:
        raise FormularyDataError(f"{one.site_id}: {one.rule} version {one.rule_version} is not the newest")
    allowed = rule.site_range
    if allowed is None or not allowed.at_least <= one.bound <= allowed.at_most:
        raise FormularyDataError(f"{one.site_id}: {one.rule} does not allow sites {one.bound}")


def plain(value: Decimal | str | frozenset[str]) -> Any:
    """A fact's value as it is shown."""
    return sorted(value) if isinstance(value, frozenset) else str(value)
