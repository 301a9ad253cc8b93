"""A log with a few patients' events, its seal, and an export of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.proof.chain import Link
from deploy.proof.checkpoints import Checkpoints
from deploy.proof.exporting import export
from deploy.proof.sealing import Seal
from shared.database import Connection, connect
from tests.embedded import ServiceDatabase
from tests.shared.log.bench import OpenLog, open_log

SERVICE = "counter"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Sealed:
    """What a test of the chain holds; `connection` reads as the verifier does."""

    database: ServiceDatabase
    bench: OpenLog
    connection: Connection
    seal: Seal
    folder: Path

    async def write(self, patients: int = 6, events: int = 4) -> list[UUID]:
        """So many patients with so many events each, some of them with something personal in it."""
        made = [uuid4() for _ in range(patients)]
        for number in range(events):
            for one in made:
                await self.bench.add(one, number + 1, remark="came by bus" if number % 2 else None)
        return made

    async def sealed(self) -> None:
        """Follow the log to its end and sign."""
        await self.seal.follow(self.connection)
        self.seal.sign(NOON)

    def fresh(self) -> Seal:
        """Another process's seal of the same checkpoints."""
        return Seal(SERVICE, self.seal.checkpoints, self.seal.key)

    def fresh_links(self) -> dict[int, Link]:
        """Where the checkpoints say that the lanes are."""
        seal = self.fresh()
        seal.read()
        return seal.links

    async def exported(self) -> Path:
        """An export of all there is."""
        path = self.folder / f"export-{uuid4().hex}.jsonl"
        await export(path, {SERVICE: (self.fresh(), self.connection)}, NOON)
        return path

    async def past_the_trigger(self, sql: str, *args: object) -> None:
        """Change the log as a superuser can who means to."""
        connection = await connect(self.database.superuser_dsn, name="tamper")
        try:
            await connection.execute("set session_replication_role = replica")
            await connection.execute(sql, *args)
        finally:
            await connection.close()


@asynccontextmanager
async def sealed_log(database: ServiceDatabase, folder: Path) -> AsyncIterator[Sealed]:
    """Everything open, nothing written yet."""
    key = Ed25519PrivateKey.generate()
    seal = Seal(SERVICE, Checkpoints(folder / "checkpoints" / f"{SERVICE}.jsonl", SERVICE), key)
    connection = await connect(database.dsn("verifier"), name="verifier")
    try:
        async with open_log(database) as bench:
            yield Sealed(database, bench, connection, seal, folder)
    finally:
        await connection.close()
