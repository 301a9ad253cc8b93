"""The instruments and clinical policies that this program ships, read once and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.intake.instrument import Instrument, InstrumentDataError, checked
from services.intake.levels import LevelsPolicy
from services.intake.reviews import ReviewPolicy
from services.intake.withdrawal import WithdrawalPolicy
from shared.failures import Invalid

FOLDER = Path(__file__).parent


class InstrumentUnknown(Invalid):
    """There is no such instrument, or no such version of it."""


@dataclass(frozen=True)
class Catalogue:
    """All reference data of intake; instruments by id and version, oldest first."""

    instruments: Mapping[str, Mapping[int, Instrument]]
    withdrawal: WithdrawalPolicy
    levels: LevelsPolicy
    reviews: ReviewPolicy

    def instrument(self, instrument_id: str, version: int | None = None) -> Instrument:
        """This version, or the newest. Raises InstrumentUnknown."""
        versions = self.instruments.get(instrument_id)
        if not versions:
            raise InstrumentUnknown(field="instrument_id")
        wanted = max(versions) if version is None else version
        if wanted not in versions:
            raise InstrumentUnknown(field="instrument_version", newest=max(versions))
        return versions[wanted]


def read[T](kind: type[T], path: Path) -> T:
    """One YAML file as `kind`; a missing, unknown or ill-typed entry is an error that names the file."""
    return TypeAdapter(kind).validate_python(yaml.safe_load(path.read_text("utf-8")), extra="forbid")


@cache
def catalogue(folder: Path = FOLDER) -> Catalogue:
    """Everything in `folder`. Raises when a file contradicts itself or its name: better no start than a wrong score."""
    instruments: dict[str, dict[int, Instrument]] = {}
    for path in sorted((folder / "instruments").glob("*.yaml")):
        one = checked(read(Instrument, path))
        if path.name != f"{one.id}.v{one.version}.yaml":
            raise InstrumentDataError(f"{path.name} holds {one.id} version {one.version}")
        instruments.setdefault(one.id, {})[one.version] = one
    policies = folder / "policies"
    return Catalogue(
        instruments=instruments,
        withdrawal=read(WithdrawalPolicy, policies / "withdrawal-management.v1.yaml"),
        levels=read(LevelsPolicy, policies / "levels-of-care.v1.yaml"),
        reviews=read(ReviewPolicy, policies / "plan-review.v1.yaml"),
    )
