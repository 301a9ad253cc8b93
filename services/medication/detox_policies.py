"""The protocols of withdrawal management, read once from `policies/detox` and checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from services.medication.formulary import FOLDER, FormularyDataError, read
from services.medication.window_policies import WindowPolicy
from shared.events.medication import DetoxKind, WithdrawalRisk, WithdrawalSign
from shared.failures import Invalid
from shared.units import Code, Name, Prose

DETOX: Final = FOLDER / "policies" / "detox"
EQUIVALENCES: Final = "equivalence"

type Mg = Annotated[Decimal, Field(gt=0, le=1000, examples=["50"])]
type Hours = Annotated[Decimal, Field(ge=0, le=1000, examples=["4"])]
type Score = Annotated[int, Field(ge=0, le=200, examples=[8])]


class Instrument(StrEnum):
    """With which withdrawal is scored."""

    CIWA_AR = "ciwa-ar"
    CIWA_B = "ciwa-b"
    COWS = "cows"


class LastUse(StrEnum):
    """What an opioid patient used last."""

    SHORT_ACTING = "short-acting"
    LONG_ACTING = "long-acting"


@dataclass(frozen=True)
class Amount:
    """From so many mg up to so many."""

    from_mg: Mg
    to_mg: Mg


@dataclass(frozen=True)
class Scheduled:
    """A dose of a fixed schedule: at most `mg`, not before so many hours after the start."""

    hour: Hours
    mg: Mg


@dataclass(frozen=True)
class LookAgain:
    """From this score on the patient is looked at again within so many minutes."""

    score_from: Score
    minutes: Annotated[int, Field(ge=5, le=2880)]


@dataclass(frozen=True)
class ReferUp:
    """What belongs to a higher level of care."""

    score_from: Score | None
    signs: tuple[WithdrawalSign, ...]
    risks: tuple[WithdrawalRisk, ...]


@dataclass(frozen=True)
class StopRule:
    """Withdrawal is over after so many scores in a row below this one."""

    score_below: Score
    in_a_row: Annotated[int, Field(ge=1, le=20)]


@dataclass(frozen=True, kw_only=True)
class Protocol(WindowPolicy):
    """One way of managing a withdrawal: doses by the score, or by a schedule.

    `day_mg_max` are the most in the first, the second … 24 hours; the last one holds from then on. Without any, the day's
    most comes from a conversion. `last_use_hours` is the wait before the first dose, by what was used last.
    """

    name: Name
    kind: DetoxKind
    medicines: Annotated[tuple[Code, ...], Field(min_length=1)]
    instrument: Instrument
    score_max: Score
    look_again: Annotated[tuple[LookAgain, ...], Field(min_length=1)]
    refer_up: ReferUp
    stop: StopRule
    days_max: Annotated[int, Field(ge=1, le=60)]
    adjuncts: tuple[Prose, ...] = ()
    first: Amount | None = None
    later: Amount | None = None
    first_from_score: Score | None = None
    later_from_score: Score | None = None
    hours_between: Hours = Decimal(0)
    day_mg_max: tuple[Mg, ...] = ()
    schedule: tuple[Scheduled, ...] = ()
    last_use_hours: Mapping[LastUse, Hours] = field(default_factory=dict)

    @property
    def converts(self) -> bool:
        """Whether the day's most comes from a conversion."""
        return not self.day_mg_max and not self.schedule

    def look_again_minutes(self, score: int) -> int:
        """After how many minutes the patient is looked at again at the latest."""
        return next(one.minutes for one in self.look_again if score >= one.score_from)


@dataclass(frozen=True, kw_only=True)
class Equivalence(WindowPolicy):
    """How much of each medicine is taken for 10 mg of diazepam by mouth; a prescriber chooses the table."""

    name: Name
    to_diazepam_10_mg: Mapping[Code, Mg]

    def diazepam_mg(self, medicine: str, day_mg: Decimal) -> Decimal:
        """A day's dose as diazepam, in mg, to a tenth. Raises NotInTable."""
        if medicine not in self.to_diazepam_10_mg:
            raise NotInTable(field="converted.medicine", known=sorted(self.to_diazepam_10_mg))
        return (day_mg * 10 / self.to_diazepam_10_mg[medicine]).quantize(Decimal("0.1"))


class ProtocolUnknown(Invalid):
    """There is no protocol, or no table, under this name."""


class NotInTable(Invalid):
    """The table does not name this medicine."""


@dataclass(frozen=True)
class DetoxPolicies:
    """All protocols and tables, by id and version."""

    protocols: Mapping[tuple[str, int], Protocol]
    equivalences: Mapping[tuple[str, int], Equivalence]

    def protocol(self, name: str, version: int | None = None) -> Protocol:
        """This version, or the newest. Raises ProtocolUnknown."""
        return _found(self.protocols, name, version, "protocol")

    def equivalence(self, name: str, version: int | None = None) -> Equivalence:
        """This version, or the newest. Raises ProtocolUnknown."""
        return _found(self.equivalences, name, version, "converted.table")


def _found[P](policies: Mapping[tuple[str, int], P], name: str, version: int | None, where: str) -> P:
    versions = [number for one, number in policies if one == name]
    if not versions:
        raise ProtocolUnknown(field=where, known=sorted({one for one, _ in policies}))
    return policies[name, max(versions) if version is None else version]


@cache
def detox_policies(folder: Path = DETOX) -> DetoxPolicies:
    """Everything in `folder`. Raises FormularyDataError."""
    protocols: dict[tuple[str, int], Protocol] = {}
    tables: dict[tuple[str, int], Equivalence] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name.startswith(EQUIVALENCES):
            table = read(Equivalence, path)
            tables[table.id, table.version] = table
            continue
        one = read(Protocol, path)
        for fault in faults(one):
            raise FormularyDataError(f"{path.name}: {fault}")
        protocols[one.id, one.version] = one
    return DetoxPolicies(protocols, tables)


def faults(protocol: Protocol) -> Iterator[str]:
    """What types cannot say."""
    scores = [one.score_from for one in protocol.look_again]
    if scores != sorted(scores, reverse=True) or scores[-1] != 0:
        yield "look_again goes from the highest score down to 0"
    if (protocol.first is None) != (protocol.later is None) or (protocol.first is None) != bool(protocol.schedule):
        yield "doses follow either the score (first and later) or a schedule"
    if any(one is not None and one.from_mg > one.to_mg for one in (protocol.first, protocol.later)):
        yield "an amount ends before it begins"
    if [one.hour for one in protocol.schedule] != sorted(one.hour for one in protocol.schedule):
        yield "the schedule is not in order"
    if max([*scores, protocol.stop.score_below, protocol.refer_up.score_from or 0]) > protocol.score_max:
        yield "a score is above the instrument's highest"
