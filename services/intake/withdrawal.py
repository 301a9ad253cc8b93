"""When withdrawal has to be managed before groups begin: a policy of rules over substance use and scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from shared.events.intake.substances import (
    Amount,
    AmountUnit,
    Frequency,
    Substance,
    SubstanceUse,
    WithdrawalComplication,
)
from shared.units import Code, Prose

type Days = Annotated[int, Field(ge=0, le=3_650)]


@dataclass(frozen=True)
class UseRule:
    """Met by recent use of one of `substances`; an empty condition is no condition. Unknown last use counts as recent."""

    id: Code
    substances: tuple[Substance, ...]
    last_used_within_days: Days
    frequencies: tuple[Frequency, ...] = ()
    complications: tuple[WithdrawalComplication, ...] = ()
    amount_at_least: Amount | None = None
    amount_unit: AmountUnit | None = None


@dataclass(frozen=True)
class ScoreRule:
    """Met by a total of at least `at_least` on an instrument."""

    id: Code
    instrument: Code
    at_least: Annotated[int, Field(ge=0)]
    substances: tuple[Substance, ...]


@dataclass(frozen=True)
class WithdrawalPolicy:
    """A programme's rules, with where they come from; its medical director answers for them."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    use_rules: tuple[UseRule, ...]
    score_rules: tuple[ScoreRule, ...]


@dataclass(frozen=True)
class Need:
    """Which rules ask for withdrawal management, and from what."""

    rules: tuple[str, ...] = ()
    substances: tuple[Substance, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything asks for it."""
        return bool(self.rules)


def need_by_use(policy: WithdrawalPolicy, uses: Iterable[SubstanceUse], today: date) -> Need:
    """What the substance history asks for."""
    met = [(rule.id, use.substance) for rule in policy.use_rules for use in uses if _met(rule, use, today)]
    return _need(met)


def need_by_score(policy: WithdrawalPolicy, instrument: str, total: int | None) -> Need:
    """What a score asks for; an unknown total asks for nothing."""
    rules = [rule for rule in policy.score_rules if rule.instrument == instrument and (total or 0) >= rule.at_least]
    return _need([(rule.id, substance) for rule in rules for substance in rule.substances])


def _met(rule: UseRule, use: SubstanceUse, today: date) -> bool:
    recent = use.last_used_on is None or use.last_used_on >= today - timedelta(days=rule.last_used_within_days)
    enough = (
        rule.amount_at_least is None
        or use.amount_unit is not rule.amount_unit
        or use.amount_per_day >= rule.amount_at_least
    )
    return (
        recent
        and enough
        and use.substance in rule.substances
        and (not rule.frequencies or use.frequency in rule.frequencies)
        and (not rule.complications or bool(set(rule.complications) & set(use.withdrawal_complications)))
    )


def _need(met: list[tuple[str, Substance]]) -> Need:
    return Need(
        rules=tuple(dict.fromkeys(rule for rule, _ in met)),
        substances=tuple(dict.fromkeys(substance for _, substance in met)),
    )
