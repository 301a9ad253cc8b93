"""Around every request: its ids, its limit, its line in the log, its numbers, and the one form of every error."""

import functools
import time
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.calls import CALL, Call
from shared.failures import Busy, Unexpected
from shared.problems import failure_of, send_problem

OPS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

REQUESTS: Final = Counter("evenkeel_http_requests_total", "Requests answered.", ["operation", "status"])
REQUEST_SECONDS: Final = Histogram(
    "evenkeel_http_request_seconds",
    "Time from the request's first byte to the last byte of the answer, in seconds.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
# prometheus_client looks up a label's child under a lock; one child per operation and status is kept instead.
_counter = functools.lru_cache(maxsize=4096)(REQUESTS.labels)
_histogram = functools.lru_cache(maxsize=1024)(REQUEST_SECONDS.labels)

log = structlog.get_logger()


class Envelope:
    """The outermost layer. Beyond `requests_in_flight_max` requests at once, more are told to come again."""

    def __init__(self, app: ASGIApp, in_flight_max: int) -> None:
        self._app, self._in_flight_max = app, in_flight_max
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request gets an answer; nothing is raised."""
        started = time.perf_counter()
        call = scope[CALL] = Call(scope)
        self._in_flight += 1
        try:
            await self._answered(call, scope, receive, send)
        finally:
            self._in_flight -= 1
            _recorded(call, time.perf_counter() - started)

    async def _answered(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *call.answer_headers,
                    *_ALWAYS,
                    (b"correlation-id", str(call.correlation_id).encode()),
                    (b"traceparent", call.traceparent.encode()),
                ]
            await send(message)

        structlog.contextvars.bind_contextvars(correlation_id=call.correlation_id)
        try:
            if self._in_flight > self._in_flight_max:
                raise Busy  # noqa: TRY301 - answered like any other problem
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            call.status = 499  # the caller went away before the body was whole; nobody hears an answer
        except Exception as error:
            failure = failure_of(error)
            if isinstance(failure, Unexpected) or call.status:
                log.exception("request.failed", operation=call.operation)
            if not call.status:
                await send_problem(answer, failure, call.correlation_id)


def _recorded(call: Call, seconds: float) -> None:
    _counter(call.operation, call.status).inc()
    _histogram(call.operation).observe(seconds)
    caller = getattr(call, "caller", None)
    log.info(
        "request",
        operation=call.operation,
        status=call.status,
        ms=round(seconds * 1000, 2),
        caller=caller.subject if caller else None,
        site=call.site_id,
    )
