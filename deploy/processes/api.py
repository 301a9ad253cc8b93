"""The API of a service: HTTP, from the first check to the last answer."""

import asyncio

import uvloop

from deploy.processes.serving import serving, told_to_stop
from shared import logs
from shared.http import Api, create_app
from shared.service import Service
from shared.settings import Settings


def run_api(service: Service) -> None:
    """Serve until SIGTERM or SIGINT; requests at work get `shutdown_seconds` to end."""
    settings = Settings()
    logs.configure(service.name, "api", settings.log_level)
    asyncio.run(_serve(create_app(service, settings)), loop_factory=uvloop.new_event_loop)


async def _serve(app: Api) -> None:
    settings, told = app.settings, told_to_stop()
    async with serving(app, settings.http_host, settings.http_port, settings.shutdown_seconds):
        await told.wait()
