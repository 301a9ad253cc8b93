"""Puts something else in the place of a part of the product."""

from typing import Any


def put(place: Any, name: str, other: Any) -> None:
    """Replace `place.name`. A part that is not there any more is an error: its bug would not be planted."""
    if not hasattr(place, name):
        raise AttributeError(f"{place} has no {name}: the bug has to be planted elsewhere")
    setattr(place, name, other)


def reword(place: Any, name: str, said: str, instead: str) -> None:
    """Replace a part of a statement, which has to be in it."""
    statement: str = getattr(place, name)
    if said not in statement:
        raise AttributeError(f"{name} does not say {said!r}: the bug has to be planted elsewhere")
    put(place, name, statement.replace(said, instead))
