"""Whether a process lives, whether it is ready and how far behind it is, and its metrics, on three small routes."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

log = structlog.get_logger()

CHECK_SECONDS_MAX: Final = 2.0
START_LOOK_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Finding:
    """What one check found: ready or not, with the facts that an operator needs (lag, counts, times; no ids of people)."""

    ready: bool
    facts: Mapping[str, object] = field(default_factory=dict)


class Health(dict[str, Callable[[], Awaitable[Finding]]]):
    """The named checks of one process, all asked at every `/readyz`."""

    def routes(self) -> list[Route]:
        """`/livez`, `/readyz` and `/metrics`."""

        async def livez(_request: Request) -> Response:
            return _json(200, {"alive": True})

        async def readyz(_request: Request) -> Response:
            findings = dict(zip(self, await asyncio.gather(*(self._asked(name) for name in self)), strict=True))
            ready = all(one.ready for one in findings.values())
            checks = {name: {"ready": one.ready, **one.facts} for name, one in findings.items()}
            return _json(200 if ready else 503, {"ready": ready, "checks": checks})

        async def metrics(_request: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]

    async def _asked(self, name: str) -> Finding:
        """One that raises or takes longer than 2 s counts as not ready."""
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                return await self[name]()
        except TimeoutError:
            return Finding(ready=False, facts={"error": "no answer in time"})
        except Exception as error:  # noqa: BLE001 - a check that fails is the answer "not ready", whatever the reason
            log.warning("health.check_failed", check=name, error=type(error).__name__)
            return Finding(ready=False, facts={"error": type(error).__name__})


def _json(status: int, document: object) -> Response:
    body = msgspec.json.encode(document, enc_hook=str)
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def serve_ops(health: Health, host: str, port: int) -> AbstractAsyncContextManager[int]:
    """Serve `/livez`, `/readyz` and `/metrics` from the running loop; gives the port (0 finds a free one).

    Signals stay with the process. Raises OSError when the port is taken.
    """
    return serving(Router(health.routes()), host, port)


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, stop_seconds_max: int = 1) -> AsyncIterator[int]:
    """Serve any application from the running loop, its lifespan included; gives the port.

    At the end requests at work get `stop_seconds_max` to be answered.
    """
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; Nagle's delay costs an answer 40 ms
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="httptools",
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=stop_seconds_max,
    )
    server = uvicorn.Server(config)
    serve = server._serve([listener])  # noqa: SLF001 - `serve` would take the signals, which are the process's
    task = asyncio.create_task(serve, name="serving")
    try:
        while not server.started:
            await asyncio.sleep(START_LOOK_SECONDS)
            if task.done():
                await task  # raises what ended it
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def told_to_stop() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told
