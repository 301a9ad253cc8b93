"""What a killed supervisor leaves running is stopped: at once by its guardian, else by whoever starts next in its folder.

The kernel has asked the processes to stop already (see `tether`); here is made sure that they do.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil

STOP_SECONDS_MAX: Final = 15.0
# The machine's idea of when it was started, and with it of every process's birth, may be corrected a little.
BIRTH_SECONDS: Final = 2.0


def start_guardian(state_file: Path) -> "subprocess.Popen[bytes]":
    """A process that outlives us and then stops what the state still names as ours. It ends when its standard input does."""
    command = [sys.executable, "-I", __file__, str(state_file), str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ourselves


def guard(state_file: Path, supervisor_pid: int) -> None:
    """Wait for the supervisor's end, then stop what it left. What another supervisor started meanwhile is not ours."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # our end is the supervisor's
    sys.stdin.read()
    state = json.loads(state_file.read_text())
    if state["supervisor_pid"] == supervisor_pid:
        stop_leftovers(state)


def stop_leftovers(state: Mapping[str, Any]) -> list[str]:
    """Stop the processes that the last state names and that are still the same processes; their names."""
    found = {name: process for name, one in state.get("processes", {}).items() if (process := _same(one))}
    for name, process in found.items():
        _tell(process, signal.Signals(state["processes"][name]["stop_signal"]))
    _, deaf = psutil.wait_procs(list(found.values()), STOP_SECONDS_MAX)
    for process in deaf:
        _tell(process, signal.SIGKILL)
    psutil.wait_procs(deaf, STOP_SECONDS_MAX)
    return list(found)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended already."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _same(noted: Mapping[str, Any]) -> psutil.Process | None:
    """The noted process; a pid alone may belong to somebody else by now."""
    if not noted.get("pid") or "stop_signal" not in noted:
        return None
    try:
        process = psutil.Process(noted["pid"])
        is_same = abs(process.create_time() - noted["born_at"]) < BIRTH_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if is_same and is_alive(process.pid) else None


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    guard(Path(sys.argv[1]), int(sys.argv[2]))
