"""Fixtures for every test: real servers, started once and only when a test asks for them."""

import signal
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from deploy import kafka as kafka_server
from deploy import postgres as postgres_server
from deploy.ports import free_ports
from tests.embedded import ServiceDatabase, TestKafka, TestPostgres, open_folder
from tests.system import System, running_system

type MakeDatabase = Callable[[str], Awaitable[ServiceDatabase]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the tests: one runs those that start the whole system, the other the rest, file by file."""

    def system(item: pytest.Item) -> bool:
        return item.get_closest_marker("system") is not None

    for item in items:
        item.add_marker(pytest.mark.xdist_group("system" if system(item) else item.location[0]))
    items.sort(key=lambda item: not system(item))


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
