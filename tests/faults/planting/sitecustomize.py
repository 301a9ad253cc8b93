"""Plants a bug in a process of a service before it starts: Python imports this file first when its folder is on PYTHONPATH."""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

PROGRAM = "deploy.serve"
REFUSED = 3


def plant(names: str) -> None:
    """Plant what CHAOS_PLANTED names; a bug that cannot be planted must not look like one that nobody catches."""
    *_, service, kind = sys.orig_argv
    try:
        import_module("tests.faults.mutants").plant(names.split(","), service, kind)
    except Exception:  # noqa: BLE001 - Python itself would only print it and go on without the bug
        traceback.print_exc()
        os._exit(REFUSED)


def planted() -> str:
    """The names in CHAOS_PLANTED, or in the file of that path as it is now: empty when nothing is planted."""
    said = os.environ.get("CHAOS_PLANTED", "")
    return Path(said).read_text() if said.startswith("/") else said


if PROGRAM in sys.orig_argv and (names := planted()):
    plant(names)
