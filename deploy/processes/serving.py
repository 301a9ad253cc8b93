"""HTTP from a process's own loop: its health on a port of its own, or a whole application."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import uvicorn
from starlette.routing import Router
from starlette.types import ASGIApp

from shared.health import Health

START_LOOK_SECONDS: Final = 0.01


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
