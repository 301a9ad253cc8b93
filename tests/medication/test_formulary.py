"""Formulary and policies are checked before anything starts."""

import shutil
from pathlib import Path

import pytest
import yaml

from services.medication.formulary import FOLDER, FormularyDataError, ProductUnknown, formulary

VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(FOLDER / "products", tmp_path / "products")
    shutil.copytree(FOLDER / "policies", tmp_path / "policies")
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    """Replace the first `old`."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_every_medicine_of_the_mission_is_there() -> None:
    medicines = {one.medicine for one in formulary().newest()}

    assert medicines >= {"buprenorphine", "buprenorphine-naloxone", "methadone", "acamprosate", "naltrexone"}
    assert medicines >= {"buprenorphine-extended-release", "naltrexone-extended-release"}
    assert medicines >= {
        "disulfiram",
        "lofexidine",
        "clonidine",
        "naloxone",
        "diazepam",
        "lorazepam",
        "chlordiazepoxide",
    }
    assert medicines >= {"oxazepam", "clonazepam", "alprazolam", "temazepam"}


def test_every_product_names_its_source_and_evidence() -> None:
    assert all(source.text and source.evidence for one in formulary().newest() for source in one.sources)


def test_product_codes_are_given_once() -> None:
    codes = [strength.rxnorm for one in formulary().newest() for strength in one.strengths]

    assert len(codes) == len(set(codes))


def test_products_are_those_of_the_value_sets_and_no_others() -> None:
    """Facts 3.0: the vectors are written apart from the formulary's files."""
    said = yaml.safe_load((VECTORS / "products.yaml").read_text())
    held = {
        one.id: {
            "schedule": one.schedule.value,
            "strengths": {str(strength.strength_mg): strength.rxnorm for strength in one.strengths},
        }
        for one in formulary().newest()
    }

    assert held == said["products"]
    codes = {strength.rxnorm for one in formulary().newest() for strength in one.strengths}
    assert not codes & set(said["never"])


def test_a_product_without_ingredient_codes_says_so() -> None:
    silent = [one for one in formulary().newest() if not one.ingredients]

    assert [one.id for one in silent] == ["lofexidine-tablet"]
    assert any("ingredient code is not known" in source.text for one in silent for source in one.sources)


def test_an_unknown_product_or_version_is_refused() -> None:
    with pytest.raises(ProductUnknown) as refused:
        formulary().product("heroin")
    assert refused.value.field == "product_id"
    with pytest.raises(ProductUnknown) as refused:
        formulary().product("methadone-tablet", 9)
    assert refused.value.facts == {"newest": 1}


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("products/methadone.yaml", "form: solution", "form: soup", "methadone.yaml"),
        ("products/methadone.yaml", "schedule: CII", "schedule: CII\n  colour: pink", "colour"),
        ("products/methadone.yaml", "id: methadone-tablet", "id: methadone-concentrate", "stands twice"),
        ("products/methadone.yaml", "rxnorm: '991147'", "rxnorm: x", "rxnorm"),
        ("products/methadone.yaml", "split_into: 2", "split_into: 3", "split_into"),
        ("products/methadone.yaml", "{strength_mg: '5',", "{strength_mg: '0.001',", "finer"),
        ("products/methadone.yaml", "increment_mg: '1'", "increment_mg: '1'\n  single_unit: true", "single units"),
        ("products/buprenorphine.yaml", "early_days_max: 2", "early_days_max: 6", "overlap"),
        ("products/buprenorphine.yaml", "early_days_max: 2", "early_days_max: -1", "whole days"),
        ("policies/taper-confirmation.v1.yaml", "source: >-", "origin: >-", "taper-confirmation.v1.yaml"),
    ],
)
def test_a_contradiction_stops_the_start(folder: Path, path: str, old: str, new: str, message: str) -> None:
    spoil(folder / path, old, new)

    with pytest.raises(FormularyDataError, match=message):
        formulary(folder)


def test_an_untouched_copy_loads(folder: Path) -> None:
    assert formulary(folder).products.keys() == formulary().products.keys()
