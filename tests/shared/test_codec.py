"""What was written down is read again as it was meant, also years later, also after an erasure."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.codec import Codec, Undecodable, UnknownEvent
from shared.event import ERASED, Personal, event
from tests.shared import vocabulary
from tests.shared.vocabulary import Left, Mood, Observed, Scale, Weighed

CODEC = Codec(vocabulary)
OBSERVED = Observed(
    mood=Mood.RESTLESS,
    dose_mg=Decimal("8.250"),
    seen_on=date(2026, 2, 28),
    seen_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
    seen_by=UUID(int=7),
    again=True,
    scales=(Scale("COWS", (1, 2)), Scale("PHQ-9", ())),
    remark="Said: “it hurts”",
    witness="Ada",
)


def test_an_event_is_read_as_it_was_written() -> None:
    written = CODEC.encode(OBSERVED)

    assert CODEC.decode("Observed", 1, written.data, written.personal) == OBSERVED
    assert CODEC.decode("Observed", 1, written.data.decode(), written.personal) == OBSERVED


def test_personal_fields_are_kept_apart() -> None:
    written = CODEC.encode(OBSERVED)

    assert b"hurts" not in written.data
    assert b"Ada" not in written.data
    assert written.personal is not None
    assert b"Ada" in written.personal
    assert CODEC.personal_fields("Observed") == {"remark", "witness"}


def test_after_an_erasure_the_rest_is_still_read() -> None:
    read = CODEC.decode("Observed", 1, CODEC.encode(OBSERVED).data, None)

    assert (read.remark, read.witness) == (ERASED, None)
    assert read == CODEC.without_personal(OBSERVED)


def test_an_event_without_personal_fields_has_nothing_to_seal() -> None:
    written = CODEC.encode(Left())

    assert (written.data, written.personal) == (b"{}", None)
    assert CODEC.without_personal(Left()) == Left()


@given(some.text(), some.none() | some.text(), some.decimals(allow_nan=False, allow_infinity=False))
def test_whatever_the_text_and_the_number(remark: str, witness: str | None, dose_mg: Decimal) -> None:
    seen = Observed(
        Mood.CALM, dose_mg, date.min, datetime.max.replace(tzinfo=UTC), UUID(int=0), False, (), remark, witness
    )
    written = CODEC.encode(seen)

    assert CODEC.decode("Observed", 1, written.data, written.personal) == seen


def test_old_versions_are_read_as_what_they_would_be_today() -> None:
    """T37."""
    assert CODEC.decode("Weighed", 1, b'{"weight_lb": "150"}', None) == Weighed(Decimal("68.039"), "unknown")
    assert CODEC.decode("Weighed", 2, b'{"weight_kg": "68.039"}', None) == Weighed(Decimal("68.039"), "unknown")


def test_a_field_added_with_a_default_needs_no_upcast() -> None:
    """T37."""
    assert CODEC.decode("Observed", 1, CODEC.encode(OBSERVED).data.replace(b',"until":null', b""), None).until is None


def test_an_event_that_nobody_could_read_later_stops_the_start() -> None:
    grown: type = event(version=2)(type("Grown", (), {"__annotations__": {"by": int}, "__module__": "grown"}))
    with pytest.raises(TypeError, match="Grown has no upcast from version 1"):
        Codec(module(grown))


def test_a_personal_field_that_could_not_be_erased_stops_the_start() -> None:
    fields = {"__annotations__": {"born_on": Personal[date]}, "__module__": "grown"}
    with pytest.raises(TypeError, match=r"Born\.born_on"):
        Codec(module(event()(type("Born", (), fields))))


def module(cls: type) -> ModuleType:
    made = ModuleType("grown")
    setattr(made, cls.__name__, cls)
    return made


def test_what_the_vocabulary_does_not_know_is_said() -> None:
    other: type = event()(type("Left", (), {}))
    with pytest.raises(UnknownEvent):
        CODEC.encode(other())
    for name, version in (("Gone", 1), ("Weighed", 4), ("Weighed", 0)):
        with pytest.raises(UnknownEvent):
            CODEC.decode(name, version, b"{}", None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b'{"weighed_by": "MARKER"}',
        b'{"weight_kg": "MARKER", "weighed_by": "x"}',
        b'{"weight_kg": NaN, "weighed_by": "MARKER"}',
        b'{"weight_kg": "1", "weighed_by": 7}',
        b'{"weight_kg": "1", "weighed_by": "\xff"}',
        '{"weight_kg": "1", "weighed_by": "\ud800"}',
    ],
)
def test_bytes_that_do_not_fit_are_refused_without_quoting_them(data: bytes | str) -> None:
    """T15."""
    with pytest.raises(Undecodable) as refused:
        CODEC.decode("Weighed", 3, data, None)
    assert "MARKER" not in str(refused.value)


@pytest.mark.parametrize("data", [b"{}", b'{"weight_lb": "MARKER"}', b'{"weight_lb": null}'])
def test_old_bytes_that_cannot_be_upcast_are_refused_too(data: bytes) -> None:
    """T15."""
    with pytest.raises(Undecodable) as refused:
        CODEC.decode("Weighed", 1, data, None)
    assert "MARKER" not in str(refused.value)
