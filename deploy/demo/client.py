"""A caller of the three services that never gives up too early: the same key, again and again, until there is an answer."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import uuid5

import httpx

from deploy.demo.calendar import RUNS
from deploy.instance import Instance

ANSWER_SECONDS_MAX: Final = 90.0
REQUEST_SECONDS_MAX: Final = 15.0
PAUSE_SECONDS: Final = 0.25
AT_ONCE_MAX: Final = 16
TOKEN_HOURS: Final = 12

# Answers that only say "not yet": another service's news is still on its way, or the first try is still at work.
NOT_YET: Final = frozenset(
    {"key-in-flight", "patient-not-known", "patient-not-in-care", "plan-not-active", "site-unknown", "busy"}
)


class DemoRefused(Exception):  # noqa: N818 - said to an operator as it is
    """A service refused what the demonstration expected to work."""


@dataclass
class Network:
    """All sites and services, seen from outside."""

    instance: Instance
    run: str
    client: httpx.AsyncClient = field(init=False)
    retries: int = 0
    answer_seconds_max: float = ANSWER_SECONDS_MAX
    request_seconds_max: float = REQUEST_SECONDS_MAX
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    _urls: dict[str, str] = field(init=False)

    async def __aenter__(self) -> Self:
        """Open connections."""
        self._urls = self.instance.state()["urls"]
        self._gate = asyncio.Semaphore(AT_ONCE_MAX)
        self.client = httpx.AsyncClient(timeout=self.request_seconds_max, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self.client.aclose()

    async def command(
        self,
        method: str,
        place: str,
        body: Any,
        *,
        role: str,
        site: str,
        step: str,
        version: int | None = None,
        refusals: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """Carry out a command once; the answer, or the problem when its kind is among `refusals`.

        `place` is `service/path`, `step` names the command within the run. Raises DemoRefused.
        """
        headers = self._headers(role, site) | {"Idempotency-Key": uuid5(RUNS, f"{self.run}/{step}").hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        end = asyncio.get_running_loop().time() + self.answer_seconds_max
        while True:
            answer = await self._ask(method, place, headers, body)
            problem = _kind(answer)
            if answer is not None and (answer.is_success or problem in refusals):
                found: dict[str, Any] = answer.json() | {
                    "status": answer.status_code,
                    "token": answer.headers.get("Consistency-Token"),
                }
                return found
            late = asyncio.get_running_loop().time() > end
            if late or (answer is not None and not answer.is_server_error and problem not in NOT_YET):
                raise DemoRefused(f"{method} {place}: {answer.text if answer else 'no answer'}")
            self.retries += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def query(self, place: str, *, role: str, site: str, token: str | None = None) -> httpx.Response:
        """Ask until there is an answer that is no server error."""
        headers = self._headers(role, site) | ({"Consistency-Token": token} if token else {})
        end = asyncio.get_running_loop().time() + self.answer_seconds_max
        while True:
            answer = await self._ask("GET", place, headers, None)
            if answer is not None and not answer.is_server_error:
                return answer
            if asyncio.get_running_loop().time() > end:
                raise DemoRefused(f"GET {place}: no answer")
            await asyncio.sleep(PAUSE_SECONDS)

    async def rows(self, place: str, *, role: str, site: str, token: str | None = None) -> list[dict[str, Any]]:
        """Every row of a paged list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            mark = "&" if "?" in place else "?"
            answer = await self.query(f"{place}{mark}limit=200{cursor}", role=role, site=site, token=token)
            if not answer.is_success:
                raise DemoRefused(f"GET {place}: {answer.text}")
            page = answer.json()
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"

    async def _ask(self, method: str, place: str, headers: dict[str, str], body: Any) -> httpx.Response | None:
        service, _, path = place.partition("/")
        try:
            async with self._gate:
                return await self.client.request(method, f"{self._urls[service]}/v1/{path}", headers=headers, json=body)
        except httpx.TransportError:
            # A system that was stopped and started may listen elsewhere.
            self._urls = self.instance.state().get("urls", self._urls)
            return None

    def _headers(self, role: str, site: str) -> dict[str, str]:
        if (role, site) not in self._tokens:
            sites = ["*"] if role == "network_manager" else [site]
            self._tokens[role, site] = self.instance.token(f"{role}.{site}", [role], sites, hours=TOKEN_HOURS)
        return {"Authorization": f"Bearer {self._tokens[role, site]}", "Evenkeel-Site": site}


def _kind(answer: httpx.Response | None) -> str:
    if answer is None or answer.is_success or "problem" not in answer.headers.get("content-type", ""):
        return ""
    return str(answer.json()["type"].rsplit("/", 1)[1])
