"""What can be handed out is what the strengths add up to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.medication.formulary import formulary
from services.medication.product import Product


@pytest.mark.parametrize(
    ("product_id", "dose_mg", "dispensable"),
    [
        ("buprenorphine-naloxone-film", "14", True),
        ("buprenorphine-naloxone-film", "3", False),
        ("buprenorphine-naloxone-film", "0", True),
        ("buprenorphine-naloxone-tablet", "6", True),
        ("buprenorphine-naloxone-tablet", "1", False),
        ("buprenorphine-naloxone-high-exposure-tablet", "17.1", True),
        ("buprenorphine-naloxone-high-exposure-tablet", "0.8", False),
        ("methadone-concentrate", "37", True),
        ("methadone-concentrate", "37.5", False),
        ("methadone-tablet", "2.5", True),
        ("methadone-tablet", "1", False),
        ("methadone-dispersible-tablet", "50", True),
        ("methadone-dispersible-tablet", "45", False),
        ("acamprosate-tablet", "666", True),
        ("acamprosate-tablet", "500", False),
        ("naltrexone-tablet", "25", True),
        ("naltrexone-tablet", "12.5", False),
        ("naltrexone-monthly-injection", "380", True),
        ("naltrexone-monthly-injection", "760", False),
        ("disulfiram-tablet", "125", True),
        ("lofexidine-tablet", "0.54", True),
        ("lofexidine-tablet", "0.5", False),
        ("diazepam-tablet", "7.5", True),
        ("lorazepam-concentrate", "0.6", True),
        ("chlordiazepoxide-capsule", "50", True),
        ("chlordiazepoxide-capsule", "12.5", False),
        ("clonazepam-disintegrating-tablet", "0.375", True),
        ("naloxone-nasal-spray", "8", False),
        ("buprenorphine-weekly-depot", "16", True),
        ("buprenorphine-weekly-depot", "40", False),
    ],
)
def test_a_dose_is_dispensable_when_its_pieces_add_up(product_id: str, dose_mg: str, *, dispensable: bool) -> None:
    assert formulary().product(product_id).dispensable(Decimal(dose_mg)) is dispensable


PIECEWISE = [one for one in formulary().newest() if not one.single_unit and one.increment_mg is None]


def by_trying(product: Product, dose_mg: Decimal) -> bool:
    """Lay down one piece after the other in every way."""
    pieces = [one.strength_mg / parts for one in product.strengths for parts in (1, 2, 4) if parts <= one.split_into]
    reached, front = {Decimal(0)}, {Decimal(0)}
    while front:
        front = {sum_mg + piece for sum_mg in front for piece in pieces if sum_mg + piece <= dose_mg} - reached
        reached |= front
    return dose_mg in reached


@given(product=st.sampled_from(PIECEWISE), tenths=st.integers(0, 400))
def test_it_agrees_with_trying_every_way(product: Product, tenths: int) -> None:
    dose_mg = Decimal(tenths) / 10

    assert product.dispensable(dose_mg) is by_trying(product, dose_mg)


def test_a_huge_dose_is_answered_at_once() -> None:
    assert formulary().product("buprenorphine-naloxone-high-exposure-tablet").dispensable(Decimal("9999.9"))
