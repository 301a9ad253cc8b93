"""A supervised process comes back when it dies, stops when it is told, and never outlives its supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from deploy.child import Child, Program
from deploy.leftovers import stop_leftovers
from deploy.tether import tethered
from tests.system import until

WAITS = "import time; print('started', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {DEAF}"


def program(code: str, folder: Path, stop_seconds_max: float = 5.0) -> Program:
    return Program("fake", [sys.executable, "-c", code], dict(os.environ), folder, stop_seconds_max=stop_seconds_max)


@asynccontextmanager
async def started(made: Program, folder: Path, changed: Callable[[], None] = lambda: None) -> AsyncIterator[Child]:
    child = Child(made, folder / "fake.log", changed)
    await child.start()
    try:
        yield child
    finally:
        await child.stop()


async def reached(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.02)


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_what_dies_is_started_again_and_its_words_are_kept(tmp_path: Path) -> None:
    changes: list[float] = []
    async with started(program(WAITS, tmp_path), tmp_path, lambda: changes.append(time.monotonic())) as child:
        await reached(lambda: text(child.log).count("started") == 1)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await reached(lambda: text(child.log).count("started") == 2)

        assert child.restarts == 1
        assert child.pid not in {first, None}
        assert len(changes) == 3  # its death was told as well


async def test_what_keeps_dying_is_started_less_and_less_often(tmp_path: Path) -> None:
    async with started(program("print('no')", tmp_path), tmp_path) as child:
        await asyncio.sleep(3)

    assert 1 <= child.restarts <= 4
    assert text(child.log).count("no") >= child.restarts


async def test_what_does_not_listen_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    async with started(program(WITH_CHILD, tmp_path, stop_seconds_max=0.5), tmp_path) as child:
        await reached(lambda: text(child.log).count("started") == 2)
        process = psutil.Process(child.pid)
        family = [process, *process.children(recursive=True)]
        assert len(family) == 2
        begun = time.monotonic()
        await child.stop()

    assert time.monotonic() - begun < 5
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family), 5)


async def test_a_stopped_process_stays_stopped(tmp_path: Path) -> None:
    async with started(program(WAITS, tmp_path), tmp_path) as child:
        await reached(lambda: "started" in text(child.log))
        await child.stop()
        await asyncio.sleep(0.5)

        assert (child.pid, child.restarts) == (None, 0)


def test_a_program_ends_with_its_starter_however_that_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os, pathlib; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); {WAITS}"
    starter = (
        "import subprocess, sys; sys.path.insert(0, '.'); from deploy.tether import tethered;"
        f"subprocess.run(tethered([sys.executable, '-c', {code!r}]))"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.DEVNULL) as process:
        until(lambda: bool(text(pid_file)), 20)
        program_pid = int(text(pid_file))
        assert psutil.pid_exists(program_pid)
        process.kill()

    until(lambda: not psutil.pid_exists(program_pid), 10)


def test_a_program_whose_starter_is_gone_already_is_not_started(tmp_path: Path) -> None:
    line = tethered([sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w')"])
    line[4] = "1"  # a parent that is not ours

    assert subprocess.run(line, check=False).returncode == 1
    assert not (tmp_path / "ran").exists()


def test_what_was_left_running_is_stopped_and_nobody_else() -> None:
    line = [sys.executable, "-c", WAITS]
    with (
        subprocess.Popen(line, stdout=subprocess.DEVNULL) as left,
        subprocess.Popen(line, stdout=subprocess.DEVNULL) as stranger,
    ):
        born_at = psutil.Process(left.pid).create_time()
        noted = {
            "left": {"pid": left.pid, "born_at": born_at, "stop_signal": 15},
            "reused": {"pid": stranger.pid, "born_at": born_at - 3600, "stop_signal": 15},
            "down": {"pid": None, "born_at": 0.0, "stop_signal": 15},
        }
        stopped = stop_leftovers({"processes": noted})
        is_gone, is_spared = not psutil.pid_exists(left.pid), stranger.poll() is None
        left.kill()
        stranger.kill()

    assert (stopped, is_gone, is_spared) == (["left"], True, True)
    assert stop_leftovers({}) == []
