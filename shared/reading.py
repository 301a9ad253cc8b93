"""A query sees the rows of the caller's sites, in one read-only transaction, as new as the caller's token asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

type Row = dict[str, Any]


@dataclass(frozen=True)
class Page[T]:
    """One page of a list; `next` is the cursor of the following page, absent on the last."""

    items: Sequence[T]
    next: str | None = None


class QueryDoor:
    """What a query's route is given."""

    async def rows(self, sql: str, *args: object) -> list[Row]:
        """Every row that the caller may see."""
        raise NotImplementedError

    async def one(self, sql: str, *args: object) -> Row:
        """The one row. Raises NotFound."""
        raise NotImplementedError

    async def page(self, sql: str, *args: object, key: tuple[str, ...]) -> Page[Row]:
        """One page of `sql`'s rows, ordered by the columns of `key` (together unique).

        `sql` is a plain SELECT without ORDER BY and LIMIT; `?limit=` and `?cursor=` are the door's.
        """
        raise NotImplementedError

    async def open_sealed(self, patient_id: UUID, event_id: UUID, sealed: bytes | None) -> dict[str, Any]:
        """The personal fields of one event; empty when there are none or the patient was erased."""
        raise NotImplementedError
