"""The ward, on the run's broker and in a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.embedded import TestKafka, TestPostgres
from tests.shared.fold.driving import Ward


@pytest.fixture(scope="session")
async def ward_dsn(postgres: TestPostgres) -> str:
    """The database where the wards park, as the role of a stream process."""
    return (await postgres.service_database("ward")).dsn("stream")


@pytest.fixture
async def a_ward(kafka: TestKafka, ward_dsn: str, tmp_path: Path) -> AsyncIterator[Ward]:
    """A ward with topics of its own, and no worker yet."""
    async with Ward(kafka.bootstrap, ward_dsn, tmp_path) as made:
        yield made
