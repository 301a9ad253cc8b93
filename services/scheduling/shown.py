"""From a row of a view to what a reader is shown: texts become the words that they stand for."""

from collections.abc import Callable

from pydantic import TypeAdapter

from shared.http import Row


def shown[T](kind: type[T]) -> Callable[[Row], T]:
    """A function that makes a row into `kind`, and fails where the row does not fit."""
    return TypeAdapter(kind).validate_python
