"""A caller of Evenkeel's services: repeats what got no answer under the same key, and reads what it wrote.

async with Client(urls, token) as clinic:
    await clinic.command("PUT", "intake", f"/v1/patients/{patient_id}", {"identity": identity})
    found = await clinic.query("intake", f"/v1/patients/{patient_id}")  # waits until the patient is there
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import uuid4

import httpx
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_exponential_jitter

ANSWER_SECONDS_MAX: Final = 60.0
"""How long a call is repeated before it counts as unanswered."""
REQUEST_SECONDS_MAX: Final = 15.0
"""How long one attempt may take."""
PAUSE_SECONDS: Final = 0.1
"""After the first attempt, when the service names no `Retry-After`; then twice as long each time."""
PAUSE_SECONDS_MAX: Final = 2.0
PLACES_MAX: Final = 64
"""So many places of the log a token may name; the oldest are forgotten, for they are shown long since."""
NOT_YET: Final = frozenset({"key-in-flight", "busy", "too-many-at-once"})
"""Kinds of problem that only say: again, with the same key."""


@dataclass(frozen=True)
class Answer:
    """What a service said. `stale`: how many events the answer lacks of what this client has written; 0 is current."""

    status: int
    body: Any
    version: int | None
    stale: int
    replayed: bool


class Problem(Exception):  # noqa: N818 - it is what the service calls it (RFC 9457)
    """A request that was understood and not carried out."""

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        """`said` is the problem as it came."""
        super().__init__(said.get("detail") or said.get("title") or f"status {status}")
        self.status, self.said = status, said

    @property
    def kind(self) -> str:
        """What went wrong, such as `stale-version`."""
        return str(self.said.get("type", "")).rpartition("/")[2]

    @property
    def field(self) -> str | None:
        """The field that is wrong, as the request writes it."""
        return self.said.get("field")


class Unanswered(Exception):  # noqa: N818 - said as it is
    """Nobody answered in time. The command may have been carried out: the same key finds out."""


class Client:
    """One caller at one site. Safe to share between tasks; what one task wrote, all of them read."""

    def __init__(
        self,
        urls: Mapping[str, str] | Callable[[], Mapping[str, str]],
        token: str | Callable[[], str],
        site: str | None = None,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        not_yet: frozenset[str] = NOT_YET,
    ) -> None:
        """`urls` by service and the bearer `token`, or what gives them anew; `not_yet` are problems worth another try."""
        self._urls = urls if callable(urls) else lambda: urls
        self._token = token if callable(token) else lambda: token
        self._site, self._answer_seconds_max, self._not_yet = site, answer_seconds_max, not_yet
        self._written: dict[str, int] = {}
        self.retries = 0
        """Attempts beyond the first, over all calls."""

    async def __aenter__(self) -> Self:
        """Open connections."""
        self._http = httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._http.aclose()

    async def command(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        version: int | None = None,
    ) -> Answer:
        """Carry out a command at most once, however often it has to be sent. Raises Problem or Unanswered.

        `version` is what the decision is based on (`If-Match`). With the `key` of an unanswered command this asks again.
        """
        headers = {"Idempotency-Key": key or uuid4().hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self._answered(method, service, path, headers, body)

    async def query(self, service: str, path: str) -> Answer:
        """Read, as new as everything that this client has written. Raises Problem or Unanswered."""
        headers = {}
        if self._written:
            headers["Consistency-Token"] = ",".join(f"{at}:{position}" for at, position in self._written.items())
        return await self._answered("GET", service, path, headers, None)

    async def rows(self, service: str, path: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a paged list."""
        mark, cursor = "&" if "?" in path else "?", ""
        while True:
            page = (await self.query(service, f"{path}{cursor}")).body
            for item in page["items"]:
                yield item
            if not page.get("next"):
                return
            cursor = f"{mark}cursor={page['next']}"

    async def _answered(self, method: str, service: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_NotYet),
            stop=stop_before_delay(self._answer_seconds_max),
            wait=_pause,
            before_sleep=self._count,
        )
        try:
            return await attempts(self._once, method, service, path, headers, body)
        except RetryError as given_up:
            last = given_up.last_attempt.exception()
            assert isinstance(last, _NotYet)
            raise last.problem or Unanswered(f"{method} {service}{path}") from None

    async def _once(self, method: str, service: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        always = {"Authorization": f"Bearer {self._token()}"} | ({"Evenkeel-Site": self._site} if self._site else {})
        try:
            url = f"{self._urls()[service]}{path}"
            came = await self._http.request(method, url, headers={**always, **headers}, json=body)
        except httpx.TransportError:
            raise _NotYet(None) from None
        if came.is_success:
            return self._read(came)
        problem = Problem(came.status_code, came.json() if _is_problem(came) else {})
        # What was written and is not shown yet reads as not found.
        unseen = problem.status == httpx.codes.NOT_FOUND and came.headers.get("Consistency") == "stale"
        if unseen or came.is_server_error or problem.kind in self._not_yet:
            raise _NotYet(problem, came.headers.get("Retry-After"))
        raise problem

    def _count(self, _: RetryCallState) -> None:
        self.retries += 1

    def _read(self, came: httpx.Response) -> Answer:
        for place in filter(None, came.headers.get("Consistency-Token", "").split(",")):
            at, _, position = place.rpartition(":")
            self._written[at] = max(int(position), self._written.pop(at, 0))  # the newest stand last
        while len(self._written) > PLACES_MAX:
            del self._written[next(iter(self._written))]
        version = came.headers.get("ETag", "").strip('W/"')
        return Answer(
            came.status_code,
            came.json() if came.content else None,
            int(version) if version.isdigit() else None,
            int(came.headers.get("Consistency-Lag", "0")),
            came.headers.get("Idempotency-Replayed") == "true",
        )


class _NotYet(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, problem: Problem | None, retry_after: str | None = None) -> None:
        super().__init__()
        self.problem, self.retry_after = problem, retry_after


def _is_problem(came: httpx.Response) -> bool:
    kind: str = came.headers.get("Content-Type", "")
    return kind.startswith("application/problem+json")


_growing = wait_exponential_jitter(multiplier=PAUSE_SECONDS, max=PAUSE_SECONDS_MAX, jitter=PAUSE_SECONDS)


def _pause(state: RetryCallState) -> float:
    failed = state.outcome and state.outcome.exception()
    asked = failed.retry_after if isinstance(failed, _NotYet) else None
    return float(asked) if asked and asked.isdigit() else _growing(state)
