"""Plants a bug in a process of a service before it starts: Python imports this file first when its folder is on PYTHONPATH."""

import os
import sys
import traceback
from importlib import import_module

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


if os.environ.get("CHAOS_PLANTED") and PROGRAM in sys.orig_argv:
    plant(os.environ["CHAOS_PLANTED"])
