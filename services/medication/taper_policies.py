"""How fast a medicine may come down: tapers by guideline, as versioned policies, each with its source and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from services.medication.formulary import FormularyDataError, read
from services.medication.limits import Version
from services.medication.product import Evidence
from shared.events.medication import EffectScale, PolicyUsed
from shared.failures import Invalid
from shared.units import Code, Name, Prose

FOLDER = Path(__file__).parent / "policies" / "tapering"

type WindowDays = Annotated[int, Field(ge=1, le=366, examples=[14])]
type DoseMg = Annotated[Decimal, Field(gt=0, le=10_000, examples=["2"])]


class AppliesTo(StrEnum):
    """Which tapers of its medicines a policy is about."""

    EVERY_TAPER = "every_taper"
    WHEN_CHOSEN = "when_chosen"


@dataclass(frozen=True)
class RelativeCap:
    """At most this fraction (strict: less) below the largest dose dispensed in the `window_days` before the cut."""

    fraction: Annotated[Decimal, Field(gt=0, lt=1, examples=["0.25"])]
    window_days: WindowDays
    strict: bool


@dataclass(frozen=True)
class Scale:
    """On which scale effect is spread evenly; `parameter_mg` is the reference dose or the ED50. A stated assumption."""

    kind: EffectScale
    parameter_mg: DoseMg | None


@dataclass(frozen=True)
class TaperPolicy:
    """A taper by guideline: its caps, the usual length of a step, and what is to be kept in mind.

    Without `jump_off_max_mg` no cut to nothing is within the relative caps: from where a patient stops, a prescriber says.
    """

    id: Code
    version: Version
    name: Name
    medicines: Annotated[tuple[Code, ...], Field(min_length=1)]
    applies: AppliesTo
    relative_caps: tuple[RelativeCap, ...]
    max_cut_mg: DoseMg | None
    jump_off_max_mg: DoseMg | None
    step_days: WindowDays
    scale: Scale
    unit: Name
    may_override: Literal["prescriber_with_rationale"]
    advice: tuple[Prose, ...]
    source: Prose
    evidence: Evidence
    site_override: bool
    signed_off_by: Name | None

    @property
    def used(self) -> PolicyUsed:
        """How a decision names this policy."""
        return PolicyUsed(self.id, self.version)


class TemplateUnknown(Invalid):
    """There is no such template for this medicine."""


@cache
def taper_policies(folder: Path = FOLDER) -> Mapping[str, TaperPolicy]:
    """The newest version of every policy, by id. Raises FormularyDataError."""
    found: dict[str, TaperPolicy] = {}
    for path in sorted(folder.glob("*.yaml")):
        one = read(TaperPolicy, path)
        check(one, path.name)
        if one.id not in found or found[one.id].version < one.version:
            found[one.id] = one
    return found


def check(policy: TaperPolicy, name: str) -> None:
    """What types cannot say."""
    if not policy.relative_caps and policy.max_cut_mg is None:
        raise FormularyDataError(f"{name}: a taper policy caps something")
    if (policy.scale.parameter_mg is None) != (policy.scale.kind is EffectScale.LINEAR):
        raise FormularyDataError(f"{name}: every scale but the linear one takes a parameter")


def policies_for(medicine: str, template_id: str | None) -> tuple[TaperPolicy, ...]:
    """What a taper of the medicine is held to: what applies to every one, and the template that was chosen. Raises TemplateUnknown."""
    about = [one for one in taper_policies().values() if medicine in one.medicines]
    if template_id is not None and template_id not in {one.id for one in about}:
        raise TemplateUnknown(field="template_id", templates=sorted(one.id for one in about))
    return tuple(one for one in about if one.applies is AppliesTo.EVERY_TAPER or one.id == template_id)
