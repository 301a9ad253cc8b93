"""A long list in pages: where one ends is told by an opaque cursor, so that nothing is skipped or shown twice."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.failures import Invalid

CURSOR_CHARACTERS_MAX: Final = 1000
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*")
_KINDS: Final = {kind.__name__: kind for kind in (str, int, UUID, datetime, date, Decimal)}


@dataclass(frozen=True)
class Page[T]:
    """One page of a list. `next` is the cursor of the following page, null on the last."""

    items: Sequence[T]
    next: str | None = None

    def each[U](self, make: Callable[[T], U]) -> "Page[U]":
        """The same page with every item made into another: `page.each(lambda row: TaperSummary(**row))`."""
        return Page([make(item) for item in self.items], self.next)


def rows_of(query: Mapping[str, str], rows_default: int, rows_max: int) -> int:
    """How many rows `?limit=` asks for. Raises Invalid."""
    limit = query.get("limit", str(rows_default))
    if not re.fullmatch(r"[0-9]{1,6}", limit) or not 1 <= int(limit) <= rows_max:
        raise Invalid(f"Must be a whole number from 1 to {rows_max}", field="limit")
    return int(limit)


def after(cursor: str | None, operation: str, key: Sequence[str]) -> list[Any] | None:
    """The last row's key values of the page before, as the cursor tells. Raises Invalid for one of another list."""
    if cursor is None:
        return None
    try:
        padded = cursor[:CURSOR_CHARACTERS_MAX] + "=" * (-len(cursor) % 4)
        packed = base64.b64decode(padded, altchars=b"-_", validate=True)
        list_name, typed = msgspec.json.decode(packed, type=tuple[str, list[tuple[str, Any]]])
        values = [msgspec.convert(value, _KINDS[kind]) for kind, value in typed]
    except (ValueError, LookupError, msgspec.MsgspecError) as error:
        raise Invalid("Is not a cursor", field="cursor") from error
    if list_name != _list_name(operation, key) or len(values) != len(key):
        raise Invalid("Is not a cursor of this list", field="cursor")
    return values


def paged(
    sql: str, args: Sequence[object], key: Sequence[str], values: list[Any] | None, rows: int, *, descending: bool
) -> tuple[str, list[object]]:
    """`sql` wrapped so that it gives the rows after `values`, and one more than a page: it tells whether there is a next."""
    assert all(_COLUMN.fullmatch(column) for column in key), key
    arguments = [*args]
    order = ", ".join(f"{column} desc" if descending else column for column in key)
    where = ""
    if values is not None:
        places = ", ".join(f"${len(arguments) + n}" for n in range(1, len(key) + 1))
        where = f"where ({', '.join(key)}) {'<' if descending else '>'} ({places})"
        arguments += values
    arguments.append(rows + 1)
    # Columns are names from the code, values go as arguments.
    query = f"select * from ({sql}) as listed {where} order by {order} limit ${len(arguments)}"  # noqa: S608 - see above
    return query, arguments


def page(rows: Sequence[dict[str, Any]], rows_max: int, operation: str, key: Sequence[str]) -> Page[dict[str, Any]]:
    """The page of at most `rows_max` of `rows`, and the cursor after it."""
    if len(rows) <= rows_max:
        return Page(rows)
    last = [rows[rows_max - 1][column] for column in key]
    typed = [(type(value).__name__, value) for value in last]  # asyncpg's UUID bears the standard one's name
    assert all(kind in _KINDS for kind, _ in typed), typed
    packed = msgspec.json.encode((_list_name(operation, key), typed), enc_hook=str)
    return Page(rows[:rows_max], base64.urlsafe_b64encode(packed).rstrip(b"=").decode())


def _list_name(operation: str, key: Sequence[str]) -> str:
    return f"{operation}:{','.join(key)}"
