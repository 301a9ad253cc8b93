"""What a run found: tables on the terminal, and for a full run the page and the picture in docs/."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from tests.benchmarks.servers import LIBRARY, NAIVE, OURS

NAMES: Final = (OURS, NAIVE, LIBRARY)
COLOURS: Final = {OURS: "#1b6e6a", NAIVE: "#c9a227", LIBRARY: "#9a9a9a"}
PAGE: Final = Path("docs/benchmarks.md")
PICTURE: Final = Path("docs/benchmarks.svg")


@dataclass(frozen=True)
class Served:
    """How one server answered so many clients."""

    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Report:
    """Everything that one run measured."""

    commands: Mapping[str, Mapping[int, Served]]
    """By server and by the number of clients."""
    events_per_second: Mapping[str, float]
    """By the part of the way of an event."""
    visible_ms: Sequence[float]
    """Answer to plan state visible: the 50th and the 99th of a hundred, ms."""
    visible_at: int
    """Commands per second meanwhile."""
    cost_us: Mapping[int, float]
    """Microseconds per command, by the number of events that were stored before."""
    rounds: int
    seconds: float

    def ratio(self, name: str, clients: int) -> float:
        """How many times as many commands Evenkeel takes."""
        return self.commands[OURS][clients].per_second / self.commands[name][clients].per_second

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Clients, server, commands/s, p50 ms, p99 ms, ratio."""
        for clients in self.commands[OURS]:
            for name in NAMES:
                one = self.commands[name][clients]
                ratio = f"{self.ratio(name, clients):.1f} ×"
                yield str(clients), name, f"{one.per_second:.0f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}", ratio

    def lines(self) -> Iterator[str]:
        """The other figures, in words."""
        for name, rate in self.events_per_second.items():
            yield f"{name}: {rate:,.0f} events/s"
        p50, p99 = self.visible_ms
        yield f"answer to plan state visible, at {self.visible_at} commands/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms"
        costs = ", ".join(f"{cost:.0f} µs at {stored:,}" for stored, cost in self.cost_us.items())
        yield f"a command (64 under way, without HTTP) by the number of stored events: {costs}"


HEAD: Final = ("clients", "served by", "commands/s", "p50 ms", "p99 ms", "Evenkeel is")


def show(report: Report, console: Console) -> None:
    """The tables, with ratios: absolute numbers are this machine's, ratios travel."""
    table = Table(*HEAD, title="Durable commands over HTTP")
    for row in report.rows():
        table.add_row(*row)
    console.print(table)
    for line in report.lines():
        console.print(line)


def publish(report: Report) -> None:
    """Write the page and its picture."""
    cells = [HEAD, tuple("---" for _ in HEAD), *report.rows()]
    table = "\n".join("| " + " | ".join(row) + " |" for row in cells)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    lines = "\n".join(f"- {line}" for line in report.lines())
    PAGE.write_text(
        f"""# Benchmarks

Written by `make bench`: {report.rounds} interleaved rounds of {report.seconds:.0f} s for each server and number of clients, medians; everything (servers, PostgreSQL with
`synchronous_commit=on`, Kafka, the load) on one machine ({machine}). Absolute numbers are that machine's; the ratios of one run travel.

The peers serve the same command. *{NAIVE}* is FastAPI with asyncpg: one transaction per request, neither authorisation nor sealing. *{LIBRARY}* is `eventsourcing` with
PostgreSQL in its own safe default, in FastAPI, without authorisation, sealing or idempotency keys. Evenkeel's answers include all of these.

![Durable commands per second, and the cost of a command as the log grows](benchmarks.svg)

{table}

{lines}
"""
    )
    _plot(report).savefig(PICTURE, metadata={"Date": None})


def _plot(report: Report) -> Figure:
    mpl.rcParams["svg.hashsalt"] = "evenkeel"
    figure = Figure(figsize=(10, 4), layout="constrained")
    bars, costs = figure.subplots(1, 2, width_ratios=(3, 2))
    for number, name in enumerate(NAMES):
        heights = [one.per_second for one in report.commands[name].values()]
        drawn = bars.bar(
            [place + 0.27 * (number - 1) for place in range(len(heights))],
            heights,
            0.25,
            color=COLOURS[name],
            label=name,
        )
        labels = [f"1/{report.ratio(name, clients):.1f}" if number else "" for clients in report.commands[name]]
        bars.bar_label(drawn, labels, fontsize=8)
    bars.set_xticks(range(len(report.commands[OURS])), [str(clients) for clients in report.commands[OURS]])
    bars.set(xlabel="clients", title="Durable commands per second over HTTP")
    bars.legend(frameon=False)
    costs.plot(list(report.cost_us), list(report.cost_us.values()), marker="o", color=COLOURS[OURS])
    costs.set(xscale="log", ylim=(0, None), xlabel="events stored", title="Microseconds per command")
    for axes in (bars, costs):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
