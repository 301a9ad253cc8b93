"""A system that is brought back to an older state, as an operator would do it who has only the older backup."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg

from deploy import postgres
from deploy.demo.client import Network
from deploy.demo.compare import settled
from deploy.demo.run import run
from deploy.demo.ways import Patient
from tests.system import System

COMMAND_SECONDS_MAX: Final = 300

# A site is opened, in a lane of which the backup lacks the end.
_FORK: Final = """
with fork as (
    insert into log.event
    select l.lane, l.head + 1, 'site-elsewhere', 1, gen_random_uuid(), type, schema_version, 'elsewhere', 'elsewhere', patient_id,
           effective_at, clock_timestamp(), corrects, actor, correlation_id, causation_id, traceparent, data, sealed
    from log.event e, log.lane l where e.type = 'SiteOpened' and l.lane = $1 limit 1 returning *
), opened as (insert into log.stream (stream, version, lane, site_id) select stream, 1, lane, site_id from fork)
update log.lane l set head = f.position from fork f where l.lane = f.lane
"""


@dataclass
class Drill:
    """The system, a backup of its databases, and the patients it has seen before and after that."""

    system: System
    backup: Path
    patients: dict[str, list[Patient]] = field(default_factory=dict)

    async def lead(self, name: str, patients: int) -> None:
        """Lead patients through the clinics."""
        async with Network(self.system.instance, uuid4().hex) as network:
            _, self.patients[name] = await run(network, patients, lambda: None)
            assert (await settled(network, self.patients[name])).mismatches == []

    async def differences(self, *names: str) -> list[str]:
        """What is shown of these patients, held against the event tables."""
        patients = [one for name in names for one in self.patients[name]]
        async with Network(self.system.instance, uuid4().hex) as network:
            return (await settled(network, patients)).mismatches

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One `evenkeel` command on this instance."""
        line = [sys.executable, "-m", "deploy.cli", *words, "--data", str(self.system.instance.folder)]
        return subprocess.run(
            line, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS_MAX, env=os.environ
        )

    def verified(self) -> dict[str, Any]:
        """What `evenkeel verify --json` says."""
        done = self.command("verify", "--json")
        result: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if result["faults"] else 0), done.stderr
        return result

    def back_up(self) -> None:
        """Copy the databases' files while everything stands still."""
        shutil.copytree(self._databases, self.backup, copy_function=_copied_with_owner)
        _own(self.backup, self._databases)

    def restore(self) -> None:
        """Put the copy in the place of what there is."""
        shutil.rmtree(self._databases)
        shutil.copytree(self.backup, self._databases, copy_function=_copied_with_owner)
        _own(self._databases, self.backup)

    async def go_on(self, signed: dict[int, int]) -> None:
        """Scheduling's restored log is written to before anybody notices; `signed` is how far its lanes were."""
        port = self.system.instance.ports()["postgres"]
        server = postgres.start(self.system.instance.folder / "postgres", port)
        try:
            connection = await asyncpg.connect(server.dsn("scheduling"))
            heads = {row["lane"]: row["head"] for row in await connection.fetch("select lane, head from log.lane")}
            await connection.execute(_FORK, next(lane for lane, end in signed.items() if heads[lane] < end))
            await connection.close()
        finally:
            server.stop()

    @property
    def _databases(self) -> Path:
        return (self.system.instance.folder / "postgres").resolve()


def _copied_with_owner(source: str, target: str) -> str:
    shutil.copy2(source, target)
    found = Path(source).stat()
    with suppress(PermissionError):
        os.chown(target, found.st_uid, found.st_gid)
    return target


def _own(made: Path, like: Path) -> None:
    """Folders belong to whom they belonged to."""
    for folder in (made, *(one for one in made.rglob("*") if one.is_dir())):
        found = (like / folder.relative_to(made)).stat()
        with suppress(PermissionError):
            os.chown(folder, found.st_uid, found.st_gid)
