"""Intake's API with a fresh database for each module, and a site for each test."""

import secrets
from collections.abc import AsyncIterator

import pytest

from services.intake.main import SERVICE
from tests.embedded import TestPostgres
from tests.intake.running import Clinic, running


@pytest.fixture(scope="module")
async def api(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    """Intake with its ordinary limits."""
    database = await postgres.service_database("intake", [SERVICE.migrations])
    async with running(database, tmp_path_factory.mktemp("intake")) as clinic:
        yield clinic


@pytest.fixture
def clinic(api: Clinic) -> Clinic:
    """The same, seen from a site of the test's own."""
    api.site = f"site-{secrets.token_hex(4)}"
    return api
