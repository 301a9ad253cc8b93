"""Scheduling's API with a fresh database for each module, and a site for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.scheduling.main import SERVICE
from tests.embedded import TestPostgres
from tests.scheduling.running import Clinic, opened, running


@pytest.fixture(scope="module")
async def api(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    """Scheduling with its ordinary limits."""
    database = await postgres.service_database("scheduling", [SERVICE.migrations])
    async with running(database, tmp_path_factory.mktemp("scheduling")) as clinic:
        yield clinic


@pytest.fixture
async def twin(clinic: Clinic, tmp_path: Path) -> AsyncIterator[Clinic]:
    """A second server on the same database, as behind a load balancer."""
    async with running(clinic.database, tmp_path, clinic.issuer) as other:
        other.site = clinic.site
        yield other


@pytest.fixture
async def clinic(api: Clinic) -> Clinic:
    """The same, seen from a site of the test's own."""
    return await opened(api)
