"""One process of one service: `python -m deploy.serve intake api`. Imports only what that process runs."""

import sys
from importlib import import_module

from deploy.instance import PROCESSES


def serve(service: str, kind: str) -> None:
    """Run until told to stop. Raises SystemExit for a process that there is not."""
    if kind not in PROCESSES.get(service, ()):
        known = ", ".join(f"{name} {one}" for name, kinds in PROCESSES.items() for one in kinds)
        raise SystemExit(f"There is no process {service} {kind}. There are: {known}.")
    found = import_module(f"services.{service}.main").SERVICE
    module, function = {
        "api": ("shared.http", "run_api"),
        "worker": ("shared.worker", "run_worker"),
        "stream": ("shared.fold", "run_stream"),
    }[kind]
    getattr(import_module(module), function)(found)


if __name__ == "__main__":
    serve(*sys.argv[1:3])
