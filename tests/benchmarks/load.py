"""A lean HTTP/1.1 load generator: each client keeps one connection and one request under way, so that the servers, not the
generator, use the processors.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlsplit

import httptools

type MakeRequest = Callable[[int], bytes]


@dataclass
class Measured:
    """What one run saw: answers by status, and the seconds each took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, percent: int) -> float:
        """The latency below which so many percent of the answers came, in ms."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class _Client(asyncio.Protocol):
    """One connection; `finished` resolves with the status of the answer under way."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.finished: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        if not self.finished.done():
            self.finished.set_result(self.parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def ask(self, request: bytes) -> int:
        self.finished = asyncio.get_running_loop().create_future()
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(request)
        return await self.finished


async def measure(
    url: str, make: MakeRequest, *, clients: int, seconds: float, warm_up_seconds: float = 1.0
) -> Measured:
    """Closed loop with so many clients; `make(n)` gives the n-th request. Raises on any answer that is no 2xx."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    loop = asyncio.get_running_loop()
    numbers = itertools.count()
    made = [await loop.create_connection(_Client, parts.hostname, parts.port) for _ in range(clients)]
    await asyncio.gather(*(_drive(client, make, numbers, warm_up_seconds, None) for _, client in made))
    measured, started = Measured(), time.perf_counter()
    await asyncio.gather(*(_drive(client, make, numbers, seconds, measured) for _, client in made))
    measured.seconds = time.perf_counter() - started
    for transport, _ in made:
        transport.close()
    return measured


async def _drive(
    client: _Client, make: MakeRequest, numbers: Iterator[int], seconds: float, into: Measured | None
) -> None:
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        status = await client.ask(make(next(numbers)))
        if not 200 <= status < 300:
            raise AssertionError(f"the server answered {status}")
        if into is not None:
            into.latencies.append(time.perf_counter() - begun)
            into.statuses[status] = into.statuses.get(status, 0) + 1


def post(url: str, headers: dict[str, str], body: bytes) -> bytes:
    """One request, ready for the wire."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"host: {parts.netloc}",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body
