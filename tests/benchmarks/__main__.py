"""`make bench`: durable commands per second against two named peers, then each part of the way of an event, in one run."""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy import kafka as kafka_server
from deploy import postgres as postgres_server
from deploy.ports import free_ports
from tests.benchmarks import flow, folding
from tests.benchmarks import visible as latency
from tests.benchmarks.load import measure
from tests.benchmarks.servers import LIBRARY, NAIVE, OURS, library, naive, ours
from tests.embedded import TestKafka, TestPostgres

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = 1 if QUICK else 3
SECONDS = 2.0 if QUICK else 6.0
EVENTS = 4_000 if QUICK else 20_000
CLIENTS = (1, 32, 128)
console = Console()

type Figures = dict[str, dict[int, dict[str, float]]]


async def commands(postgres: TestPostgres, folder: Path) -> Figures:
    """Interleaved rounds, so that a machine whose speed drifts treats all alike; medians per number of clients."""
    seen: dict[tuple[str, int], list[dict[str, float]]] = {}
    with Progress(console=console) as progress:
        task = progress.add_task("Commands over HTTP", total=ROUNDS * 3 * len(CLIENTS))
        for _ in range(ROUNDS):
            for serve in (ours, naive, library):
                async with serve(postgres, folder) as served:
                    for clients in CLIENTS:
                        found = await measure(served.url, served.request, clients=clients, seconds=SECONDS)
                        row = {
                            "per_second": found.per_second,
                            "p50_ms": found.milliseconds(50),
                            "p99_ms": found.milliseconds(99),
                        }
                        seen.setdefault((served.name, clients), []).append(row)
                        progress.advance(task)
    figures: Figures = {}
    for (name, clients), rows in seen.items():
        figures.setdefault(name, {})[clients] = {key: median(row[key] for row in rows) for key in rows[0]}
    return figures


def show(figures: Figures, rates: dict[str, float], visible: dict[str, float]) -> None:
    """The table, with ratios: absolute numbers are this machine's, ratios travel."""
    table = Table(
        "clients", "served by", "commands/s", "p50 ms", "p99 ms", "Evenkeel is", title="Durable commands over HTTP"
    )
    for clients in CLIENTS:
        for name in (OURS, NAIVE, LIBRARY):
            one = figures[name][clients]
            ratio = figures[OURS][clients]["per_second"] / one["per_second"]
            cells = [f"{one['per_second']:.0f}", f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}", f"{ratio:.1f} ×"]
            table.add_row(str(clients), name, *cells)
    console.print(table)
    for name, rate in rates.items():
        console.print(f"{name}: {rate:.0f} events/s")
    console.print(
        f"answer to plan state visible, at {latency.PER_SECOND} commands/s:"
        f" p50 {visible['p50_ms']:.0f} ms, p99 {visible['p99_ms']:.0f} ms"
    )


async def measured(folder: Path) -> tuple[Figures, dict[str, float]]:
    """Everything that one PostgreSQL and one Kafka are enough for."""
    postgres = TestPostgres(postgres_server.start(folder / "postgres", free_ports(1)[0]), folder)
    broker = kafka_server.start(folder / "kafka", *free_ports(2))
    try:
        figures = await commands(postgres, folder)
        rates = await flow.rates(postgres, TestKafka(broker), EVENTS)
        return figures, rates | {"fold": await folding.rate(postgres, TestKafka(broker), folder, EVENTS)}
    finally:
        broker.stop()
        postgres.server.stop("immediate")


def main() -> None:
    """Measure, show, and keep the figures in build/bench.json."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-bench-") as name:
        Path(name).chmod(0o755)  # PostgreSQL may run as another user
        figures, rates = asyncio.run(measured(Path(name)))
        visible = asyncio.run(latency.latencies(Path(name) / "system", SECONDS * 5))
    show(figures, rates, visible)
    result: dict[str, Any] = {
        "commands": figures,
        "rates": rates,
        "visible": visible,
        "rounds": ROUNDS,
        "seconds": SECONDS,
    }
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
