"""From a service to its HTTP API: routes, doors, rules, problems and the document, in one application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Receive, Scope, Send

from shared import access, documents
from shared.cloudevents import topic_of
from shared.consistency import Watcher
from shared.doors import Accepted, AcceptedEvent, CommandDoor
from shared.envelope import OPS, Envelope
from shared.health import Finding, Health
from shared.identity import Verifier
from shared.operations import Operation, Switchboard, Turns, command_door, query_door
from shared.paging import Page
from shared.reading import QueryDoor, Row
from shared.resources import Resources, opened
from shared.service import Service
from shared.settings import Settings

BEHIND: Final = """
    select p.projection, sum(l.head - coalesce(c.last_sequence, 0))::bigint as behind
    from unnest($1::text[]) as p (projection) cross join log.lane l
    left join projection.checkpoint c on c.projection = p.projection and c.topic = $2 and c.partition = l.lane
    group by p.projection
"""

Commands = Annotated[CommandDoor, Depends(command_door)]
Queries = Annotated[QueryDoor, Depends(query_door)]

__all__ = [
    "Accepted",
    "AcceptedEvent",
    "CommandDoor",
    "Commands",
    "Page",
    "Queries",
    "QueryDoor",
    "Row",
    "create_app",
]


class Api(FastAPI):
    """FastAPI, with our document and our way through it."""

    resources: Resources

    def __init__(self, service: Service, settings: Settings) -> None:
        """Raises RulesIncomplete when a route has no rule or a rule no route, and RouteNotPlain."""
        super().__init__(
            lifespan=self._life,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            generate_unique_id_function=lambda route: route.name,
        )
        self.service, self.settings = service, settings
        self.include_router(service.router)
        routes = [one for one in iter_route_contexts(self.routes) if isinstance(one.original_route, APIRoute)]
        rules = access.checked((one.name or "" for one in routes), service.rules)
        self.operations = [Operation(one, rules[one.name or ""], settings.body_bytes_max) for one in routes]
        self.router.routes.extend(Health(database=self._database, views=self._views).routes())
        self._outside = Envelope(Switchboard(self.router, self.operations), settings.requests_in_flight_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass around FastAPI's own layers: they cost every request what only the document and 404 need."""
        scope["app"] = self
        ours = scope["type"] == "http" and scope["path"] not in OPS
        await (self._outside if ours else self.router)(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = documents.openapi(self.service.name, self.routes, self.operations)
        return self.openapi_schema

    @contextlib.asynccontextmanager
    async def _life(self, _app: FastAPI) -> AsyncIterator[None]:
        """Everything that the doors lead to, open from start to stop."""
        verifier, watcher = Verifier(self.settings), Watcher(self.settings)
        turns = Turns(self.settings.requests_in_flight_per_caller_max)
        async with opened(self.service, self.settings, "api") as self.resources:
            for one in self.operations:
                one.resources, one.verifier, one.watcher, one.turns = self.resources, verifier, watcher, turns
            watching = asyncio.create_task(watcher.run(), name="consistency")
            yield
            watching.cancel()

    async def _database(self) -> Finding:
        await self.resources.pool.fetchval("select 1")
        return Finding(ready=True)

    async def _views(self) -> Finding:
        """How many of the service's own events each view lacks; being behind is told, it does not close the door."""
        own = topic_of(self.service.name)
        following = [name for name, topics in self.service.followed.items() if own in topics]
        rows = await self.resources.pool.fetch(BEHIND, following, own)
        return Finding(ready=True, facts={"behind_events": {row["projection"]: row["behind"] for row in rows}})


def create_app(service: Service, settings: Settings) -> Api:
    """The service's API. Raises when a route has no rule, a rule no route, or a route asks for more than doors give."""
    return Api(service, settings)
