"""The ground that a system stands on while it is broken: proxies before its servers, small disks under them, a clock to set."""

import asyncio
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.instance import Instance
from deploy.ports import free_ports
from tests.faults.proxy import Proxy
from tests.system import System, running_system

DISK_BYTES: Final = 6 << 30
"""Of each server's file system, sparse: it takes from this machine's disk what is written."""
ROOM_LEFT_BYTES: Final = 64 << 10
TOOL_SECONDS_MAX: Final = 60.0


@dataclass
class Ground:
    """A running system and what can be done to its surroundings; `missing` says what this machine does not allow, and why."""

    system: System
    proxies: dict[str, Proxy]
    disks: dict[str, Path]
    clock: Path | None
    missing: dict[str, str] = field(default_factory=dict)

    def fill(self, server: str) -> None:
        """Leave next to nothing of the server's disk."""
        disk = self.disks[server]
        free = os.statvfs(disk)
        with (disk / "ballast").open("wb") as ballast, suppress(OSError):
            os.posix_fallocate(ballast.fileno(), 0, max(1, free.f_bavail * free.f_frsize - ROOM_LEFT_BYTES))

    def empty(self, server: str) -> None:
        """Give the room back."""
        (self.disks[server] / "ballast").unlink(missing_ok=True)

    def step(self, seconds: int) -> None:
        """Set the services' clocks so many seconds beside the machine's."""
        assert self.clock is not None
        with self.clock.open("r+b") as file:
            file.write(struct.pack("=q", seconds))


@contextmanager
def ground(folder: Path, **environment: str) -> Iterator[Ground]:
    """A system in `folder` on such a ground; everything is taken away again at the end."""
    instance, missing = Instance(folder / "system"), dict[str, str]()
    instance.folder.mkdir()
    instance.folder.chmod(0o711)
    with ExitStack() as stack:
        proxies = stack.enter_context(_proxies(instance))
        disks = {}
        for server in ("postgres", "kafka"):
            try:
                disks[server] = stack.enter_context(_disk(folder / f"{server}.image", instance.folder / server))
            except (OSError, subprocess.SubprocessError) as refused:
                missing["disk-full"] = f"no small file system can be mounted here: {refused}"
        clock = None
        try:
            clock, preloaded = _clock(folder)
            environment |= preloaded
        except (OSError, subprocess.SubprocessError) as refused:
            missing["clock-step"] = f"no C compiler here: {refused}"
        environment |= {f"EVENKEEL_LOCAL_{name.upper()}": f"127.0.0.1:{one.port}" for name, one in proxies.items()}
        system = stack.enter_context(running_system(instance.folder, **environment))
        yield Ground(system, proxies, disks, clock, missing)


@contextmanager
def _proxies(instance: Instance) -> Iterator[dict[str, Proxy]]:
    """They run in a thread of their own, so that a busy checker does not slow the services down."""

    def where(server: str) -> tuple[str, int]:
        host, _, port = instance.state()[server].partition(":")
        return host, int(port)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies", daemon=True)
    thread.start()
    made = {
        "postgres": Proxy(lambda: where("postgres"), free_ports(1)[0], loop),
        "kafka": Proxy(lambda: where("kafka"), free_ports(1)[0], loop),
    }
    for proxy in made.values():
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result()
    try:
        yield made
    finally:
        for proxy in made.values():
            asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _disk(image: Path, at: Path) -> Iterator[Path]:
    """A file system of its own at this place. Raises OSError or SubprocessError where that is not allowed."""
    at.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    _run("mkfs.ext4", "-q", "-m", "0", str(image))
    _run("mount", "-o", "loop", str(image), str(at))
    try:
        shutil.rmtree(at / "lost+found")
        yield at
    finally:
        _run("umount", "--lazy", str(at))
        image.unlink()


def _clock(folder: Path) -> tuple[Path, dict[str, str]]:
    """The file that holds the step, and what a process is started with to feel it."""
    library, step = folder / "clock.so", folder / "clock"
    _run("cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("clock.c")), "-ldl")
    step.write_bytes(struct.pack("=q", 0))
    return step, {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(step)}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=TOOL_SECONDS_MAX)
