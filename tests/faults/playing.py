"""Plays a scene on a running system, sound or with a bug planted, until the checker finds something."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

import asyncpg

from tests.faults import scenes
from tests.faults.chaos import Run
from tests.faults.check_log import Violation
from tests.faults.ground import Ground
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.planted import Planted

WARM_COMMANDS: Final = 150
"""So many commands are acknowledged before a scene begins: there is something to lose."""
HERE: Final = Path(__file__).parent


def planting(what: str) -> dict[str, str]:
    """What a system is started with so that bugs can be planted: their names, or the path of a file that names them.

    A process reads the file when it starts.
    """
    return {"PYTHONPATH": os.pathsep.join([str(HERE / "planting"), str(HERE.parents[1])]), "CHAOS_PLANTED": what}


async def played(made: Ground, planted: Planted, *, rounds_max: int, seed: int = 0) -> tuple[list[Violation], float]:
    """The scene again and again until something differs; and after how many seconds that was.

    `seed` makes the patients: scenes that share a system need one each.
    """
    run = Run(made, Ledger(seed, Path(f"build/planted-{planted.name.replace(' ', '-')}.jsonl")))
    for service, sql in planted.sql:
        await _execute(made, service, sql)
    await scenes.watch_cursors(run)
    if planted.caller:
        setattr(run.load.habits, planted.caller, True)
    load = asyncio.create_task(run.load.run())
    began = time.monotonic()
    found: list[Violation] = []
    try:
        for _ in range(rounds_max):
            await _warm(run.load, load)
            found = await planted.scene(run)
            if found or time.monotonic() - began > planted.seconds_max:
                break
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await run.breaking.heal()
        run.ledger.close()
    return found, time.monotonic() - began


async def _warm(load: Load, task: "asyncio.Task[None]") -> None:
    had = sum(one.acknowledged for one in load.ledger.commands.values())
    while sum(one.acknowledged for one in load.ledger.commands.values()) < had + WARM_COMMANDS:
        if task.done():
            task.result()
        await asyncio.sleep(0.2)


async def _execute(made: Ground, service: str, sql: str) -> None:
    connection = await asyncpg.connect(made.system.dsn(service))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
