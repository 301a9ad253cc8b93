"""Medication as it is deployed: each part a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS_MAX = 30


@contextmanager
def process(kind: str, environment: Mapping[str, str], folder: Path, name: str | None = None) -> Iterator[None]:
    """One process, stopped at the end; what it says is in `<name>.log`."""
    with (
        (folder / f"{name or kind}.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "deploy.serve", "medication", kind],
            env={**os.environ, "EVENKEEL_HTTP_PORT": "0", "EVENKEEL_DATA_DIR": str(folder / kind), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as running_process,
    ):
        yield
        running_process.terminate()
        running_process.wait(STOP_SECONDS_MAX)
