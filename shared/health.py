"""Whether a process lives, whether it is ready and how far behind it is, and its metrics, on three small routes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shared import metrics

log = structlog.get_logger()

CHECK_SECONDS_MAX: Final = 2.0
START_SECONDS_MAX: Final = 10.0


@dataclass(frozen=True)
class Finding:
    """What one check found: ready or not, with the facts that an operator needs (lag, counts, times; no ids of people)."""

    ready: bool
    facts: Mapping[str, object] = field(default_factory=dict)


type Check = Callable[[], Awaitable[Finding]]


class Health:
    """The named checks of one process."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask `check` at every `/readyz`; one that raises or takes longer than 2 s counts as not ready."""
        self.checks[name] = check

    async def findings(self) -> dict[str, Finding]:
        """Every check's finding, asked at the same time."""
        found = await asyncio.gather(*(_asked(name, check) for name, check in self.checks.items()))
        return dict(zip(self.checks, found, strict=True))


async def _asked(name: str, check: Check) -> Finding:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            return await check()
    except TimeoutError:
        return Finding(ready=False, facts={"error": "no answer in time"})
    except Exception as error:  # noqa: BLE001 - a check that fails is the answer "not ready", whatever the reason
        log.warning("health.check_failed", check=name, error=type(error).__name__)
        return Finding(ready=False, facts={"error": type(error).__name__})


def ops_routes(health: Health) -> list[Route]:
    """`/livez`, `/readyz` and `/metrics`, for the API's application and for `serve_ops`."""

    async def livez(_request: Request) -> Response:
        return _json(200, {"alive": True})

    async def readyz(_request: Request) -> Response:
        findings = await health.findings()
        ready = all(one.ready for one in findings.values())
        checks = {name: {"ready": one.ready, **one.facts} for name, one in findings.items()}
        return _json(200 if ready else 503, {"ready": ready, "checks": checks})

    async def numbers(_request: Request) -> Response:
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", numbers)]


def _json(status: int, document: object) -> Response:
    body = msgspec.json.encode(document, enc_hook=str)
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def serve_ops(health: Health, host: str, port: int) -> AbstractAsyncContextManager[int]:
    """Serve `/livez`, `/readyz` and `/metrics` from the running loop; gives the port (0 finds a free one).

    Signals stay with the process. Raises OSError when the port is taken.
    """
    return serving(Starlette(routes=list(ops_routes(health))), host, port)


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve any application from the running loop, its lifespan included; gives the port."""
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http="httptools",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="serving")
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            await _first(server.listening.wait(), task)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def _listener(host: str, port: int) -> socket.socket:
    """A socket that says it is TCP: asyncio turns Nagle's delay (40 ms an answer) off for no other."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


async def _first(started: Coroutine[Any, Any, object], ended: asyncio.Task[None]) -> None:
    """Wait for the start, or raise what ended it."""
    start = asyncio.ensure_future(started)
    await asyncio.wait({start, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        await ended


class _QuietServer(uvicorn.Server):
    """A guest in somebody else's loop: the process decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it listens."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
