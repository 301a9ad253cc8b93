"""Whether a process lives, whether it is ready and how far behind it is, and its metrics, on three small routes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

log = structlog.get_logger()

CHECK_SECONDS_MAX: Final = 2.0


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
