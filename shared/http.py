"""From a service to its HTTP API: routes, doors, rules, problems and the document, in one application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared import access, documents, logs
from shared.calls import CALL, Resources
from shared.cloudevents import topic_of
from shared.codec import Codec
from shared.consistency import Watcher
from shared.database import open_pool
from shared.doors import Accepted, AcceptedEvent, CommandDoor
from shared.envelope import Envelope
from shared.health import Finding, Health, ops_routes
from shared.identity import Verifier
from shared.keyring import Keyring, SiteKeys
from shared.log import Log
from shared.operations import Operation, Switchboard, command_door, query_door
from shared.paging import Page
from shared.problems import problem_of
from shared.reading import QueryDoor, Row
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
    "run_api",
]


class Api(FastAPI):
    """FastAPI, with our document and our way through it."""

    def __init__(self, service: Service, settings: Settings) -> None:
        """Raises RulesIncomplete when a route has no rule or a rule no route, and RouteNotPlain."""
        super().__init__(
            lifespan=self._life,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            generate_unique_id_function=lambda route: route.name,
        )
        self.service = service
        self.settings = settings
        self.health = Health()
        self.resources = Resources(service.name, settings, *_sources(service))
        self.include_router(service.router)
        routes = [one for one in iter_route_contexts(self.routes) if isinstance(one.original_route, APIRoute)]
        rules = access.checked((one.name or "" for one in routes), service.rules)
        self.operations = [Operation(one, rules[one.name or ""], self.resources) for one in routes]
        self.router.routes.extend(ops_routes(self.health))
        self.add_exception_handler(HTTPException, _routing_problem)
        switchboard = Switchboard(super().__call__, self.operations)
        self._outside = Envelope(switchboard, settings.requests_in_flight_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass around FastAPI's own layers: they cost every request what only the document and 404 need."""
        await self._outside(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = documents.openapi(self.service.name, self.routes, self.operations)
        return self.openapi_schema

    @contextlib.asynccontextmanager
    async def _life(self, _app: FastAPI) -> AsyncIterator[None]:
        """Everything that the doors lead to, open from start to stop."""
        verifier = Verifier(self.settings)
        for one in self.operations:
            one.verifier = verifier
        async with _opened(self.service, self.resources):
            self.health.add("database", self._database)
            self.health.add("views", self._views)
            yield

    async def _database(self) -> Finding:
        async with self.resources.pool.acquire() as connection:
            await connection.fetchval("select 1")
        return Finding(ready=True)

    async def _views(self) -> Finding:
        """How many of the service's own events each view lacks; being behind is told, it does not close the door."""
        own = topic_of(self.service.name)
        following = [name for name, topics in self.resources.sources.items() if own in topics]
        rows = await self.resources.pool.fetch(BEHIND, following, own)
        return Finding(ready=True, facts={"behind_events": {row["projection"]: row["behind"] for row in rows}})


@contextlib.asynccontextmanager
async def _opened(service: Service, resources: Resources) -> AsyncIterator[None]:
    """Open what the doors lead to, and close it in the opposite order: the log commits what it took, then the pools go."""
    settings = resources.settings
    async with contextlib.AsyncExitStack() as stack:
        pools = []
        for dsn in (settings.database_dsn, settings.keyring_dsn):
            pools.append(
                await open_pool(
                    dsn,
                    name=f"{service.name} api",
                    connections_max=settings.pool_connections_max,
                    statement_seconds_max=settings.statement_seconds_max,
                )
            )
            stack.push_async_callback(pools[-1].close)
        resources.pool = pools[0]
        resources.keyring = Keyring(pools[1], SiteKeys.read(settings.site_keys_file))
        resources.log = await stack.enter_async_context(
            Log(resources.pool, Codec(service.vocabulary), resources.keyring, settings)
        )
        resources.watcher = Watcher(settings)
        watching = asyncio.create_task(resources.watcher.run(), name="consistency")
        stack.push_async_callback(_ended, watching)
        yield


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _sources(service: Service) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """For each projection the event topics that its rows follow, and the projections that every query waits for.

    A projection of a fold's output follows the topics that the fold reads.
    """
    ordinary = {one.name: frozenset(one.topics) for one in service.projections if hasattr(one, "topics")}
    folded = {
        one.name: frozenset(service.fold.sources)
        for one in service.projections
        if not hasattr(one, "topics") and service.fold is not None and service.fold.output == one.topic
    }
    return ordinary | folded, frozenset(ordinary)


async def _routing_problem(request: Request, error: Exception) -> Response:
    """Answer what FastAPI's own router refuses."""
    problem = problem_of(error)
    body = problem.body(request.scope[CALL].correlation_id)
    headers = {key.decode(): value.decode() for key, value in problem.headers}
    return Response(body, problem.status, headers, "application/problem+json")


def create_app(service: Service, settings: Settings) -> Api:
    """The service's API. Raises when a route has no rule, a rule no route, or a route asks for more than doors give."""
    return Api(service, settings)


def run_api(service: Service) -> None:
    """Serve until SIGTERM; requests at work get `shutdown_seconds` to end."""
    settings = Settings()
    logs.configure(service.name, "api", settings.log_level)
    uvicorn.run(
        create_app(service, settings),
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
