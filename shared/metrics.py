"""What is counted about requests; every process shows its numbers on `/metrics` in Prometheus' text format."""

import functools
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

REQUESTS: Final = Counter("evenkeel_http_requests_total", "Requests answered.", ["operation", "status"])
REQUEST_SECONDS: Final = Histogram(
    "evenkeel_http_request_seconds",
    "Time from the request's first byte to the last byte of the answer, in seconds.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
IN_FLIGHT: Final = Gauge("evenkeel_http_requests_in_flight", "Requests being worked on.")
WAITERS: Final = Gauge("evenkeel_consistency_waiters", "Queries waiting until a projection has reached their token.")
LOOKS: Final = Counter("evenkeel_consistency_looks_total", "Times the checkpoints were read for the waiting queries.")
STALE: Final = Counter("evenkeel_consistency_stale_total", "Queries answered older than their token asked.")


# prometheus_client looks up a label's child under a lock; one child per operation and status is kept instead.
_counter = functools.lru_cache(maxsize=4096)(REQUESTS.labels)
_histogram = functools.lru_cache(maxsize=1024)(REQUEST_SECONDS.labels)


def count_request(operation: str, status: int, seconds: float) -> None:
    """One request was answered."""
    _counter(operation, status).inc()
    _histogram(operation).observe(seconds)


def exposition() -> bytes:
    """Every number of this process."""
    return generate_latest(REGISTRY)
