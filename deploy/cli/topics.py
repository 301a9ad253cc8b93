"""The topics that `deploy/topics.yaml` declares, compared with those of a broker."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.screen import DEFAULT_DATA, Data, console, say
from deploy.instance import Instance

app = typer.Typer(help="The topics that deploy/topics.yaml declares.", no_args_is_help=True)

Kafka = Annotated[
    str | None, typer.Option(help="The broker, host:port; the local instance's if left out.", envvar="EVENKEEL_KAFKA")
]


@app.command()
def check(kafka: Kafka = None, data: Data = DEFAULT_DATA) -> None:
    """Compare the broker's topics with the declared ones; exit code 1 when they differ."""
    from deploy.topics import drift  # noqa: PLC0415 - the Kafka client is not needed for the other commands

    differences = asyncio.run(drift(bootstrap(kafka, data)))
    for one in differences:
        console.print(f"[red]✗[/red] {one}", soft_wrap=True, highlight=False)
    if differences:
        raise typer.Exit(1)
    console.print("[green]✓[/green] topics are as declared")


@app.command()
def create(
    kafka: Kafka = None,
    data: Data = DEFAULT_DATA,
    *,
    replication: Annotated[int, typer.Option(help="Copies of each partition.", min=1)] = 1,
) -> None:
    """Make the declared topics that are missing."""
    from deploy.topics import create as make  # noqa: PLC0415 - the Kafka client is not needed for the other commands

    made = asyncio.run(make(bootstrap(kafka, data), replication))
    say(f"Made: {', '.join(made)}" if made else "Nothing was missing.")


def bootstrap(kafka: str | None, data: Data) -> str:
    """The broker that was named, else the local instance's, else Kafka's usual place on this machine."""
    return kafka or str(Instance(data.resolve()).state().get("kafka", "127.0.0.1:9092"))
