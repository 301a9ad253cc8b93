"""The process that the tests start, kill and freeze: a fold as it is deployed, or with one guard taken away."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import msgspec
import structlog
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.producer import ProducerBuffer

from deploy.processes.stream import Process, run
from deploy.processes.stream_parking import PostgresParking
from deploy.processes.stream_replays import Replays
from shared import logs
from shared.cloudevents import from_kafka
from shared.codec import Codec
from shared.fold_app import FoldLimits, OnlyGivenSettings, ValueTable, WithoutWeb, faust_settings
from shared.fold_guard import Guard
from shared.fold_value import fold_in, stored, written
from tests.shared.fold import ward

HOLD_SECONDS = 1.5
HOLD_LOOK_SECONDS = 0.1


class Options(msgspec.Struct):
    name: str
    bootstrap: str
    folder: str
    dsn: str
    instance: str | None = None
    version: int = 1
    limits: dict[str, float] = {}
    kill: dict[str, str] = {}
    plain: bool = False
    deaf: bool = False
    slow_recovery: float = 0.0
    hold_recovery: str = ""
    half_assigned: bool = False


def begin(told: dict[str, Any], output: str) -> None:
    """Run as the process that was just forked."""
    with Path(output).open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    main(msgspec.convert(told, Options))


def main(options: Options) -> None:
    logs.configure("ward", "stream", "info")
    fold = ward.ward_fold(options.name, ward, options.version)
    limits = FoldLimits(**options.limits)  # type: ignore[arg-type] # all are numbers
    folder = Path(options.folder)
    if options.plain:
        run_plain(fold, faust_settings(options.bootstrap, limits, folder, options.instance))
    for point, flag in options.kill.items():
        kill_at(point, flag)
    recover_slowly(options.slow_recovery, options.hold_recovery)
    if options.half_assigned:
        assign_half(fold.output)
    if options.deaf:
        setattr(Guard, "take", never)  # noqa: B010 - mypy refuses the plain assignment
    run(Process(fold, options.bootstrap, options.dsn, folder, instance=options.instance, limits=limits))


def recover_slowly(seconds: float, until: str) -> None:
    """Take so long for each record of the table, or keep the first one until the file exists; say when it begins."""
    begun: list[bool] = []

    async def on_changelog_event(*_: Any) -> None:
        if not begun:
            structlog.get_logger().info("tests.recovering")
            begun.append(True)
        if until:
            await asyncio.to_thread(exists, Path(until))
        await asyncio.sleep(seconds)

    if seconds or until:
        setattr(ValueTable, "on_changelog_event", on_changelog_event)  # noqa: B010 - mypy refuses the plain assignment


def assign_half(output: str) -> None:
    """Assign as a leader does that has not seen the values' topic yet."""
    original = PartitionAssignor._get_copartitioned_groups

    def half(_cls: type, topics: set[str], *given: Any) -> Any:
        return original(topics - {output}, *given)

    setattr(PartitionAssignor, "_get_copartitioned_groups", classmethod(half))  # noqa: B010 - mypy refuses the plain assignment


def exists(path: Path) -> None:
    """Come back once it does."""
    while not path.exists():
        time.sleep(HOLD_LOOK_SECONDS)


async def never(*_: Any) -> None:
    """What an agent does that is stuck."""
    await asyncio.Event().wait()


def kill_at(point: str, flag: str) -> None:
    """Die once: with a record that was not sent though a commit went by (`held`), or that was sent but not committed.

    In a replay: with the value written and the events still parked (`replayed`), or the other way round (`answered`).
    """
    if point == "held":
        wrap(ProducerBuffer, "_send_pending", hold(flag))
    elif point == "replayed":
        wrap(PostgresParking, "answer", before(flag))
    elif point == "answered":
        setattr(Replays, "replay", answer_first)  # noqa: B010 - mypy refuses the plain assignment
    else:
        wrap(Guard, "_on_sent", after(flag))


def hold(flag: str) -> Callable[..., Any]:
    async def held(original: Any, *given: Any) -> None:
        if ward.first_time(flag):
            await asyncio.sleep(HOLD_SECONDS)
            os.kill(os.getpid(), signal.SIGKILL)
        await original(*given)

    return held


def before(flag: str) -> Callable[..., Any]:
    async def killed(original: Any, *given: Any) -> None:
        if ward.first_time(flag):
            os.kill(os.getpid(), signal.SIGKILL)
        await original(*given)

    return killed


async def answer_first(replays: Replays, key: str, _lane: int) -> None:
    """A mutant without the guard: the events leave the parking before the value with them is written."""
    app_id = replays._guard.fold.app_id
    records = await replays._parking.waiting(app_id, key)
    await replays._parking.answer(app_id, key, [one.number for one in records], None)
    os.kill(os.getpid(), signal.SIGKILL)


def after(flag: str) -> Callable[..., Any]:
    def killed(original: Any, *given: Any) -> None:
        original(*given)
        if ward.first_time(flag):
            os.kill(os.getpid(), signal.SIGKILL)

    return killed


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Call `around` with the original method and what it was given."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *given: around(original, *given))


class PlainApp(faust.App):
    """Faust as its manual shows it, with our settings."""

    BootStrategy = WithoutWeb
    Settings = OnlyGivenSettings


def run_plain(fold: Any, settings: dict[str, Any]) -> None:
    """A plain agent: what T14 is about."""
    app: Any = PlainApp(fold.app_id, **settings)
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    table = app.Table("plain", key_type=bytes, value_type=bytes, changelog_topic=app.topic(fold.output, **raw))
    codec = Codec(ward)

    @app.agent(app.topic(*fold.sources, **raw))  # type: ignore[untyped-decorator] # Faust's own
    async def plain(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            value = fold_in(fold, message.topic, stored(table.get(message.key)), from_kafka(codec, message))
            table[message.key] = written(fold, value)

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()
