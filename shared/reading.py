"""A query sees the rows of the caller's sites, in one read-only transaction, as new as the caller's token asks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from shared import paging, tokens
from shared.access import EVERY_SITE, Caller
from shared.calls import Call
from shared.cloudevents import topic_of
from shared.consistency import Watcher
from shared.decider import Decider
from shared.event import AnyRecorded
from shared.failures import NotFound
from shared.paging import Page
from shared.resources import Resources

type Row = dict[str, Any]

_HEADER: Final = tokens.HEADER.lower().encode()


class QueryDoor:
    """What a query's route is given."""

    def __init__(self, call: Call, resources: Resources, watcher: Watcher) -> None:
        self._call, self._resources, self._watcher = call, resources, watcher
        self._waited: set[str | None] = set()

    @property
    def caller(self) -> Caller:
        """Who is asking."""
        return self._call.caller

    @property
    def now(self) -> datetime:
        """This process's clock, for what is shown and to fill a command's fields. What is recorded carries the database's."""
        return datetime.now(UTC)

    @property
    def sites(self) -> frozenset[str] | None:
        """The sites whose records this operation may show; None is every site."""
        return self._call.caller.reach(self._call.rule)

    async def rows(self, sql: str, *args: object, of: str | None = None) -> list[Row]:
        """Every row that the caller may see.

        `of` names the projection that fills what is read, when it is not one of the service's ordinary ones.
        """
        await self._begin()
        await self._as_new_as_asked(of)
        async with self._reading() as connection:
            return [dict(row) for row in await connection.fetch(sql, *args)]

    async def one(self, sql: str, *args: object, of: str | None = None) -> Row:
        """The one row. Raises NotFound when there is none, or none that the caller may see."""
        rows = await self.rows(sql, *args, of=of)
        if not rows:
            raise NotFound
        return rows[0]

    async def page(
        self, sql: str, *args: object, key: Sequence[str], descending: bool = False, of: str | None = None
    ) -> Page[Row]:
        """One page of `sql`'s rows, ordered by the columns of `key`, which together are unique and never null.

        `sql` is a SELECT without ORDER BY and LIMIT; `?limit=` and `?cursor=` are the door's. Raises Invalid.
        """
        asked, settings = self._call.query(), self._resources.settings
        rows_max = paging.rows_of(asked, settings.page_rows_default, settings.page_rows_max)
        after = paging.after(asked.get("cursor"), self._call.operation, key)
        query, arguments = paging.paged(sql, args, key, after, rows_max, descending=descending)
        return paging.page(await self.rows(query, *arguments, of=of), rows_max, self._call.operation, key)

    async def state[S](self, decider: Decider[S], stream_id: UUID | str) -> tuple[S, int]:
        """A stream's present state and version, folded on the spot. Raises NotFound."""
        await self._begin()
        return await self._resources.log.state(decider, stream_id, self.sites)

    async def story(self, decider: Decider[Any], stream_id: UUID | str, *, opened: bool = False) -> list[AnyRecorded]:
        """A stream's events, oldest first; `opened` shows the personal fields that were not erased. Raises NotFound."""
        await self._begin()
        return await self._resources.log.story(decider.stream(stream_id), self.sites, opened=opened)

    async def open_sealed(self, patient_id: UUID, event_id: UUID, sealed: bytes | None) -> dict[str, Any]:
        """The personal fields of one event; empty when there are none or the patient was erased."""
        opened = await self._resources.keyring.open(str(patient_id), event_id, sealed) if sealed is not None else None
        return {} if opened is None else msgspec.json.decode(opened, type=dict[str, Any])

    def blind_index(self, value: str) -> str:
        """The keyed hash under which an equal value can be looked up without being read."""
        return self._resources.keyring.blind_index(value)

    async def _begin(self) -> None:
        """Called before anything is read."""

    async def _as_new_as_asked(self, of: str | None) -> None:
        """Wait, once per projection, for what the caller's token names; say in the answer whether it was reached."""
        header = self._call.headers.get(_HEADER)
        if header is None or of in self._waited:
            return
        self._waited.add(of)
        asked = tokens.read(header.decode("latin-1"))
        shown, followed = self._resources.service.shown, self._resources.service.followed
        needed = {
            (name, topic, lane): position
            for (service, lane), position in asked.items()
            for name in ([of] if of else shown)
            if (topic := topic_of(service)) in followed[name]
        }
        lag = await self._watcher.missing(needed) if needed else 0
        self._call.answer_headers += [
            (b"consistency", b"stale" if lag else b"current"),
            (b"consistency-lag", b"%d" % lag),
        ]

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Any]:
        """A read-only transaction that row level security holds to the caller's sites.

        The setting travels with BEGIN in one message; names of sites were checked with the token (letters, digits, `-`).
        """
        sites = EVERY_SITE if self.sites is None else ",".join(sorted(self.sites))
        async with self._resources.pool.acquire(timeout=self._resources.settings.pool_wait_seconds) as connection:
            await connection.execute(f"begin read only; set local evenkeel.sites = '{sites}'")
            try:
                yield connection
            finally:
                await connection.execute("rollback")
