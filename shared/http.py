"""From a service to its HTTP API: routes, doors, rules, problems and documents in one application."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from shared.doors import Accepted, AcceptedEvent, CommandDoor
from shared.reading import Page, QueryDoor, Row
from shared.service import Service
from shared.settings import Settings


async def _command_door(request: Request) -> CommandDoor:
    raise NotImplementedError


async def _query_door(request: Request) -> QueryDoor:
    raise NotImplementedError


Commands = Annotated[CommandDoor, Depends(_command_door)]
Queries = Annotated[QueryDoor, Depends(_query_door)]


def create_app(service: Service, settings: Settings) -> FastAPI:
    """The service's API. Raises when a route has no rule or a rule no route."""
    raise NotImplementedError


def run_api(service: Service) -> None:
    """Serve until SIGTERM."""
    raise NotImplementedError


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
