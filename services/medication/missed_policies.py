"""The policies about missed doses, read once from `policies/missed` and checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from services.medication.formulary import FOLDER, FormularyDataError, read
from services.medication.limits import Version
from services.medication.missed import DAYS_LOOKED_BACK_MAX, Amount, Band, MissedPolicy
from services.medication.product import Evidence
from shared.events.medication import Then
from shared.units import Code, Name, Prose, SiteId

MISSED: Final = FOLDER / "policies" / "missed"
IN_FORCE: Final = "in-force"
_SMALLEST: Final = Decimal("0.001")


@dataclass(frozen=True)
class InForce:
    """Which policies a site goes by."""

    id: Code
    version: Version
    everywhere: tuple[Code, ...]
    sites: Mapping[SiteId, tuple[Code, ...]]
    unit: Name
    source: Prose
    evidence: Evidence
    signed_off_by: Name | None


@dataclass(frozen=True)
class MissedPolicies:
    """All policies in their newest version, and which of them are in force where."""

    in_force: InForce
    policies: Mapping[str, MissedPolicy] = field(default_factory=dict)

    def about(self, medicine: str, site_id: str) -> tuple[list[MissedPolicy], list[MissedPolicy]]:
        """Those for a medicine: in force at the site, and all others."""
        chosen = {*self.in_force.sites.get(site_id, ())}
        chosen_for = {medicine for one in chosen for medicine in self.policies[one].medicines}
        if medicine not in chosen_for:
            chosen |= {*self.in_force.everywhere}
        found = [one for one in self.policies.values() if medicine in one.medicines]
        return [one for one in found if one.id in chosen], [one for one in found if one.id not in chosen]


@cache
def missed_policies(folder: Path = MISSED) -> MissedPolicies:
    """Everything in `folder`. Raises FormularyDataError."""
    found: dict[str, MissedPolicy] = {}
    chosen: InForce | None = None
    for path in sorted(folder.glob("*.yaml")):
        if path.name.startswith(IN_FORCE):
            newer = read(InForce, path)
            chosen = newer if chosen is None or newer.version > chosen.version else chosen
            continue
        one = read(MissedPolicy, path)
        for fault in faults(one):
            raise FormularyDataError(f"{path.name}: {fault}")
        if one.id not in found or found[one.id].version < one.version:
            found[one.id] = one
    if chosen is None:
        raise FormularyDataError(f"{folder.name}: nothing is in force")
    for names in (chosen.everywhere, *chosen.sites.values()):
        _check(names, found)
    return MissedPolicies(chosen, found)


def _check(names: tuple[str, ...], found: Mapping[str, MissedPolicy]) -> None:
    if unknown := [one for one in names if one not in found]:
        raise FormularyDataError(f"{IN_FORCE}: there is no policy {unknown[0]}")
    medicines = [medicine for one in names for medicine in found[one].medicines]
    if len(medicines) != len(set(medicines)):
        raise FormularyDataError(f"{IN_FORCE}: two policies in force for one medicine")


def faults(policy: MissedPolicy) -> Iterator[str]:
    """What types cannot say: gaps and overlaps between the bands, amounts that are none or two."""
    for band in policy.bands:
        yield from _faults_of(band)
    edges = {one for band in policy.bands for one in (band.usual_above_mg, band.usual_to_mg) if one is not None}
    doses = sorted({_SMALLEST, *edges, *(edge + _SMALLEST for edge in edges)})
    for missed in range(1, DAYS_LOOKED_BACK_MAX + 1):
        for dose in doses:
            holding = sum(band.holds(missed, dose) for band in policy.bands)
            if holding != 1:
                yield f"{holding} bands hold for {missed} missed doses of {dose} mg"


def _faults_of(band: Band) -> Iterator[str]:
    if (band.then is Then.REDUCE) != (band.highest is not None):
        yield "a band names a highest amount if, and only if, it reduces"
    for amount in (band.lowest, band.highest):
        if amount is not None and not _plain(amount):
            yield "an amount is either so many mg, or a fraction within bounds"


def _plain(amount: Amount) -> bool:
    bounded = amount.not_below_mg is not None or amount.not_above_mg is not None
    return (amount.mg is None) != (amount.fraction is None) and not (amount.mg is not None and bounded)
