"""The formulary and the clinical policies that this program ships, read once and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.medication.limits import AfterDischargePolicy, ConfirmationPolicy
from services.medication.product import Product
from shared.failures import Invalid

FOLDER = Path(__file__).parent


class ProductUnknown(Invalid):
    """The formulary has no such product, or no such version of it."""


class FormularyDataError(Exception):
    """A formulary or policy file contradicts itself."""


@dataclass(frozen=True)
class Formulary:
    """All reference data of medication; products by id and version."""

    products: Mapping[str, Mapping[int, Product]]
    confirmation: ConfirmationPolicy
    after_discharge: AfterDischargePolicy

    def product(self, product_id: str, version: int | None = None) -> Product:
        """This version, or the newest. Raises ProductUnknown."""
        versions = self.products.get(product_id)
        if not versions:
            raise ProductUnknown(field="product_id")
        wanted = max(versions) if version is None else version
        if wanted not in versions:
            raise ProductUnknown(field="product_version", newest=max(versions))
        return versions[wanted]

    def newest(self) -> list[Product]:
        """Every product that may be ordered, by id."""
        return [self.product(product_id) for product_id in sorted(self.products)]


def read[T](kind: type[T], path: Path) -> T:
    """One YAML file as `kind`; a missing, unknown or ill-typed entry is an error that names the file."""
    try:
        return TypeAdapter(kind).validate_python(yaml.safe_load(path.read_text("utf-8")), extra="forbid")
    except ValueError as error:
        raise FormularyDataError(f"{path.name}: {error}") from error


@cache
def formulary(folder: Path = FOLDER) -> Formulary:
    """Everything in `folder`. Raises when a file contradicts itself: better no start than a wrong dose."""
    products: dict[str, dict[int, Product]] = {}
    for path in sorted((folder / "products").glob("*.yaml")):
        for one in read(tuple[Product, ...], path):
            check(one)
            if one.version in products.setdefault(one.id, {}):
                raise FormularyDataError(f"{path.name}: {one.id} version {one.version} stands twice")
            products[one.id][one.version] = one
    policies = folder / "policies"
    return Formulary(
        products=products,
        confirmation=read(ConfirmationPolicy, policies / _CONFIRMATION),
        after_discharge=read(AfterDischargePolicy, policies / _AFTER_DISCHARGE),
    )


_CONFIRMATION = "taper-confirmation.v1.yaml"
_AFTER_DISCHARGE = "dosing-after-discharge.v1.yaml"


def check(product: Product) -> None:
    """What types cannot say about a product."""
    if product.single_unit and product.increment_mg is not None:
        raise FormularyDataError(f"{product.id}: either single units or a measured increment")
    if any(one.strength_mg * 1000 % one.split_into for one in product.strengths):
        raise FormularyDataError(f"{product.id}: a piece would be finer than a thousandth of a milligram")
    rhythm = product.rhythm
    if rhythm.every_days < 1 or min(rhythm.early_days_max, rhythm.late_days_max) < 0:
        raise FormularyDataError(f"{product.id}: the rhythm counts whole days from 1")
    if rhythm.early_days_max + rhythm.late_days_max >= rhythm.every_days:
        raise FormularyDataError(f"{product.id}: windows of two doses overlap")
