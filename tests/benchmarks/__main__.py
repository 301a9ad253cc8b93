"""`make bench`: durable commands per second against two named peers, then each part of the way of an event, in one run."""

import asyncio
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import Progress

from deploy import kafka as kafka_server
from deploy import postgres as postgres_server
from deploy.ports import free_ports
from tests.benchmarks import flow, folding, growth, replaying, visible
from tests.benchmarks.load import measure
from tests.benchmarks.report import Report, Served, publish, show
from tests.benchmarks.servers import library, naive, ours
from tests.embedded import TestKafka, TestPostgres

QUICK: Final = bool(os.environ.get("QUICK"))
ROUNDS: Final = 1 if QUICK else 3
SECONDS: Final = 2.0 if QUICK else 6.0
EVENTS: Final = 4_000 if QUICK else 20_000
STORED: Final = (1_000, 10_000) if QUICK else (10_000, 100_000, 1_000_000)
CLIENTS: Final = (1, 32, 128)


async def commands(postgres: TestPostgres, folder: Path, progress: Progress) -> dict[str, dict[int, Served]]:
    """Interleaved rounds, so that a machine whose speed drifts treats all alike; medians per number of clients."""
    seen: dict[str, dict[int, list[Served]]] = {}
    task = progress.add_task("Commands over HTTP", total=ROUNDS * 3 * len(CLIENTS))
    for _ in range(ROUNDS):
        for serve in (ours, naive, library):
            async with serve(postgres, folder) as served:
                for clients in CLIENTS:
                    found = await measure(served.url, served.request, clients=clients, seconds=SECONDS)
                    row = Served(found.per_second, found.milliseconds(50), found.milliseconds(99))
                    seen.setdefault(served.name, {}).setdefault(clients, []).append(row)
                    progress.advance(task)
    return {name: {clients: _median(rows) for clients, rows in by.items()} for name, by in seen.items()}


def _median(rows: list[Served]) -> Served:
    return Served(**{name: median(getattr(row, name) for row in rows) for name in asdict(rows[0])})


async def measured(folder: Path, progress: Progress) -> Report:
    """Everything on one PostgreSQL and one Kafka, then the whole system for what only it shows."""
    postgres = TestPostgres(postgres_server.start(folder / "postgres", free_ports(1)[0]), folder)
    broker = TestKafka(kafka_server.start(folder / "kafka", *free_ports(2)))
    try:
        served = await commands(postgres, folder, progress)
        task = progress.add_task("A growing log", total=STORED[-1])
        costs = await growth.costs(postgres, STORED, lambda events: progress.advance(task, events))
        rates = await flow.rates(postgres, broker, EVENTS)
        rates["fold"] = await folding.rate(postgres, broker, folder, EVENTS)
        rates["rebuild"] = await replaying.rate(postgres, EVENTS)
        rates["the library's replay"] = await replaying.library_rate(postgres, EVENTS)
    finally:
        broker.broker.stop()
        postgres.server.stop("immediate")
    seen = await visible.latencies(folder / "system", SECONDS * 5)
    return Report(served, rates, seen, visible.PER_SECOND, costs, ROUNDS, SECONDS)


def main() -> None:
    """Measure, show, and keep the figures in build/bench.json; a full run writes docs/benchmarks.md."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="evenkeel-bench-") as name, Progress(console=console) as progress:
        Path(name).chmod(0o755)  # PostgreSQL may run as another user
        report = asyncio.run(measured(Path(name), progress))
    show(report, console)
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if not QUICK:
        publish(report)


if __name__ == "__main__":
    main()
