"""The whole system as processes, for tests that kill parts of it: PostgreSQL, Kafka and all of the three services."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from deploy.instance import Instance
from deploy.tether import tethered

UP_SECONDS_MAX: Final = 240.0
DOWN_SECONDS_MAX: Final = 90.0
READY_SECONDS_MAX: Final = 90.0
EVERY_SITE: Final = "*"


@dataclass
class System:
    """A running system in a folder of its own."""

    instance: Instance
    environment: dict[str, str] = field(default_factory=dict)
    _supervisor: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start it, or go on from its data, and wait until everything is ready. It ends with the test run."""
        self.instance.folder.mkdir(parents=True, exist_ok=True)
        said = self.instance.folder / "up.log"
        line = [sys.executable, "-m", "deploy.cli", "up", "--data", str(self.instance.folder)]
        with said.open("wb") as output:
            self._supervisor = subprocess.Popen(
                tethered(line),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | self.environment,
            )
        end = time.monotonic() + UP_SECONDS_MAX
        while not (self.instance.running() and self.instance.state().get("phase") == "ready"):
            assert self._supervisor.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.1)

    def down(self) -> None:
        """Stop everything gracefully; the data stays."""
        if self._supervisor is not None:
            self._supervisor.terminate()
            self._supervisor.wait(DOWN_SECONDS_MAX)
            self._supervisor = None

    @property
    def urls(self) -> dict[str, str]:
        """Service to the address of its API."""
        urls: dict[str, str] = self.instance.state()["urls"]
        return urls

    @property
    def kafka(self) -> str:
        """Where Kafka's clients begin."""
        return str(self.instance.state()["kafka"])

    def dsn(self, database: str) -> str:
        """As the superuser, for a test that looks past every right."""
        password = (self.instance.folder / "postgres" / "password").read_text()
        return f"postgresql://evenkeel:{password}@{self.instance.state()['postgres']}/{database}"

    def token(self, *roles: str, sites: Sequence[str] = (EVERY_SITE,), subject: str = "tester") -> str:
        """A token of the local issuer."""
        return self.instance.token(subject, list(roles), list(sites))

    def headers(self, *roles: str, site: str | None = None, key: str | None = None) -> dict[str, str]:
        """The headers of a caller who acts at `site`; `key` makes it a command."""
        headers = {"Authorization": f"Bearer {self.token(*roles, sites=[site] if site else [EVERY_SITE])}"}
        if site:
            headers["Evenkeel-Site"] = site
        if key:
            headers["Idempotency-Key"] = key
        return headers

    def process(self, name: str) -> dict[str, Any]:
        """What is known of a process, such as `intake-api`, `kafka`, `postgres`."""
        known: dict[str, Any] = self.instance.state()["processes"][name]
        return known

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
        """Send a signal to a process as it is now; False when it is just being restarted."""
        pid = self.process(name)["pid"]
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def is_ready(self) -> bool:
        """Whether every process runs and says that it is ready."""
        return all(_is_ready(process) for process in self.instance.state()["processes"].values())

    def wait_until_ready(self, seconds: float = READY_SECONDS_MAX) -> None:
        """Wait for it, not for ever."""
        until(self.is_ready, seconds)

    def processes(self) -> list[psutil.Process]:
        """Every process on this machine that was started for this folder."""
        return processes_of(self.instance.folder)


@contextmanager
def running_system(folder: Path, **environment: str) -> Iterator[System]:
    """A system in `folder`, stopped at the end; `environment` sets limits, such as EVENKEEL_REDECIDE_MAX."""
    system = System(Instance(folder), environment)
    system.up()
    try:
        yield system
    finally:
        system.down()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process that names the folder in its command line or its settings, except us."""

    def mentions(process: psutil.Process) -> bool:
        try:
            words = [*process.cmdline(), process.environ().get("EVENKEEL_DATA_DIR", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        return any(str(folder) in word for word in words)

    return [process for process in psutil.process_iter() if process.pid != os.getpid() and mentions(process)]


def until(reached: Callable[[], bool], seconds: float = READY_SECONDS_MAX) -> None:
    """Wait for it, not for ever."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached in {seconds} s"
        time.sleep(0.1)


def _is_ready(process: dict[str, Any]) -> bool:
    if process["pid"] is None:
        return False
    try:
        return "ops" not in process or httpx.get(f"{process['ops']}/readyz", timeout=3).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
