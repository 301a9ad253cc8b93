"""One process of one service: `python -m deploy.serve intake api`. Imports only what that process runs."""

import asyncio
import sys
from importlib import import_module

from deploy.instance import PROCESSES
from shared.database import connect
from shared.settings import Settings


def serve(service: str, kind: str) -> None:
    """Run until told to stop. Raises SystemExit for a process that there is not."""
    if kind not in PROCESSES.get(service, ()):
        known = ", ".join(f"{name} {one}" for name, kinds in PROCESSES.items() for one in kinds)
        raise SystemExit(f"There is no process {service} {kind}. There are: {known}.")
    found = import_module(f"services.{service}.main").SERVICE
    module, function = {
        "api": ("deploy.processes.api", "run_api"),
        "worker": ("deploy.processes.worker", "run_worker"),
        "stream": ("deploy.processes.stream", "run_stream"),
    }[kind]
    if kind == "stream":
        asyncio.run(assert_one_history(service))
    getattr(import_module(module), function)(found)


async def assert_one_history(service: str) -> None:
    """A fold has no checkpoint beside the log, so the log is held against the topic before it begins. Raises SystemExit (trap T13)."""
    older, settings = import_module("deploy.proof.older"), Settings()
    connection = await connect(settings.database_dsn, name=f"{service} stream")
    try:
        if found := await older.topic_ahead(connection, service, settings.kafka):
            raise SystemExit("\n".join(found))
    finally:
        await connection.close()


if __name__ == "__main__":
    serve(*sys.argv[1:3])
