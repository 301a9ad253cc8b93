"""Fixtures for every test: real servers, started once and only when a test asks for them."""

import signal
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from deploy import kafka as kafka_server
from deploy import postgres as postgres_server
from deploy.ports import free_ports
from tests.embedded import ServiceDatabase, TestKafka, TestPostgres, open_folder
from tests.system import System, running_system

SYSTEM = (
    "tests/deploy/test_local.py",
    "tests/deploy/test_operating.py",
    "tests/faults/",
    "tests/journeys/",
    "tests/medication/test_race_processes.py",
    "tests/proof/test_verify.py",
    "tests/recovery/",
)

type MakeDatabase = Callable[[str], Awaitable[ServiceDatabase]]


class Halves(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Two processes share the tests: one runs those of the whole system, which would starve each other, the other the rest."""

    def _split_scope(self, nodeid: str) -> str:
        return "system" if nodeid.startswith(SYSTEM) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Halves:
    """What pytest-xdist asks for."""
    return Halves(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    items.sort(key=lambda item: not item.nodeid.startswith(SYSTEM))
    left = [item.nodeid for item in items if item.get_closest_marker("system") and not item.nodeid.startswith(SYSTEM)]
    assert not left, f"tests of the whole system run in one process, name their file in SYSTEM: {left}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestPostgres]:
    """PostgreSQL for the whole run; fsync is on, as in real life."""
    with open_folder() as folder:
        server = postgres_server.start(folder / "postgres", free_ports(1)[0])
        yield TestPostgres(server, folder)
        server.stop("immediate")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestKafka]:
    """One Kafka broker for the whole run."""
    broker = kafka_server.start(tmp_path_factory.mktemp("kafka"), *free_ports(2))
    yield TestKafka(broker)
    broker.stop(signal.SIGKILL)  # its folder goes with it


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole system as processes, for the whole run. Who kills a part of it waits until it is ready again."""
    with open_folder() as folder, running_system(folder / "system") as running:
        yield running


@pytest.fixture
def service_database(postgres: TestPostgres) -> MakeDatabase:
    """`await service_database("medication")`: a fresh database with that service's roles and migrations."""

    async def make(service: str) -> ServiceDatabase:
        module = import_module(f"services.{service}")
        folder = Path(str(module.__path__[0])) / "migrations"
        return await postgres.service_database(service, [folder] if folder.exists() else [])

    return make
