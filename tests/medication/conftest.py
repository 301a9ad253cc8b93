"""Medication's API with a fresh database for each module, and a site in New York for each test."""

import secrets
from collections.abc import AsyncIterator

import pytest

from services.medication.main import SERVICE
from tests.embedded import TestPostgres
from tests.medication.running import Clinic, running


@pytest.fixture(scope="module")
async def api(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    """Medication with its ordinary limits."""
    database = await postgres.service_database("medication", [SERVICE.migrations])
    async with running(database, tmp_path_factory.mktemp("medication")) as clinic:
        yield clinic


@pytest.fixture
async def clinic(api: Clinic) -> Clinic:
    """The same, seen from a site of the test's own."""
    api.site = f"site-{secrets.token_hex(4)}"
    await api.open_site()
    return api
