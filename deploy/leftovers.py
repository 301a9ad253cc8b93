"""What a killed supervisor left running: it is stopped before anything else is started in its folder."""

import signal
from collections.abc import Mapping
from typing import Any, Final

import psutil

STOP_SECONDS_MAX: Final = 20.0
# The machine's idea of when it was started, and with it of every process's birth, may be corrected a little.
BIRTH_SECONDS: Final = 2.0


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


def _same(noted: Mapping[str, Any]) -> psutil.Process | None:
    """The noted process; a pid alone may belong to somebody else by now."""
    if not noted.get("pid") or "stop_signal" not in noted:
        return None
    try:
        process = psutil.Process(noted["pid"])
        is_same = abs(process.create_time() - noted["born_at"]) < BIRTH_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if is_same and process.is_running() and process.status() != psutil.STATUS_ZOMBIE else None


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
