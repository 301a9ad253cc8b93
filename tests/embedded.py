"""The embedded servers as tests use them: a fresh database per caller, fresh topics per caller."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy import databases, kafka, postgres
from deploy.migrating import kernel_folders, migrate
from shared.database import connect
from shared.keyring import SiteKeys

PASSWORD = "only for tests"  # nosec
_numbers = count(1)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder, removed at the end, that PostgreSQL's user can reach when we are root: pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-tests-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@dataclass(frozen=True)
class ServiceDatabase:
    """One service's own database and the keyring beside it, both fresh."""

    server: postgres.Postgres
    service: str
    name: str
    keyring: str
    site_keys: Path

    def dsn(self, kind: str = "api") -> str:
        """As the role of one kind of process: owner, api, worker, stream."""
        return self.server.dsn(self.name, f"{self.service}_{kind}", PASSWORD)

    @property
    def superuser_dsn(self) -> str:
        """For a test that looks past every right."""
        return self.server.dsn(self.name)

    @property
    def keyring_dsn(self) -> str:
        """As every process reaches the keyring."""
        return self.server.dsn(self.keyring, "keyring_user", PASSWORD)

    def environment(self, kind: str = "api") -> dict[str, str]:
        """The variables that a process of this service is started with, less Kafka and HTTP."""
        return {
            "EVENKEEL_DATABASE_DSN": self.dsn(kind),
            "EVENKEEL_KEYRING_DSN": self.keyring_dsn,
            "EVENKEEL_SITE_KEYS_FILE": str(self.site_keys),
        }


@dataclass(frozen=True)
class TestPostgres:
    """The test run's PostgreSQL."""

    __test__ = False
    server: postgres.Postgres
    folder: Path

    def dsn(self, database: str = "postgres") -> str:
        """As the superuser."""
        return self.server.dsn(database)

    async def create_database(self, name: str | None = None) -> str:
        """An empty database; its DSN as the superuser."""
        name = name or f"plain_{next(_numbers)}"
        connection = await connect(self.server.dsn(), name="tests")
        try:
            await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()
        return self.server.dsn(name)

    async def service_database(self, service: str, migrations: Sequence[Path] = ()) -> ServiceDatabase:
        """A fresh database with the roles of a service, the kernel's migrations and then the given ones."""
        number = next(_numbers)
        made = ServiceDatabase(
            self.server, service, f"{service}_{number}", f"keyring_{number}", self.folder / f"site-keys-{number}.json"
        )
        connection = await connect(self.server.dsn(), name="tests")
        try:
            roles = dict.fromkeys([*databases.role_names(service), *databases.role_names(databases.KEYRING)], PASSWORD)
            await databases.ensure_roles(connection, roles)
            await databases.ensure_database(connection, made.name, service)
            await databases.ensure_database(connection, made.keyring, databases.KEYRING)
        finally:
            await connection.close()
        await migrate(made.dsn("owner"), [*kernel_folders(), *migrations], service=service)
        keyring_folder = Path(postgres.__file__).parent.parent / "shared" / "keyring_migrations"
        await migrate(
            self.server.dsn(made.keyring, "keyring_owner", PASSWORD), [keyring_folder], service=databases.KEYRING
        )
        await asyncio.to_thread(SiteKeys.write_new, made.site_keys)
        return made


@dataclass
class TestKafka:
    """The test run's broker."""

    __test__ = False
    broker: kafka.Kafka
    made: set[str] = field(default_factory=set)

    @property
    def bootstrap(self) -> str:
        """Where clients begin."""
        return self.broker.bootstrap

    def name(self, stem: str) -> str:
        """A topic name that no other test uses."""
        return f"{stem}-{next(_numbers)}"

    async def create_topics(self, *names: str, partitions: int = 16, compacted: bool = False) -> None:
        """Make topics; those that exist are left alone."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            policy = {"cleanup.policy": "compact"} if compacted else {"retention.ms": "-1"}
            missing = [name for name in names if name not in self.made]
            await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=policy) for name in missing])
            self.made.update(missing)
        finally:
            await admin.close()
