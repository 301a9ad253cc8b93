"""The small service's databases, once per run, and its API, once per module."""

import logging
import secrets
from collections.abc import AsyncIterator

import pytest
import structlog

from shared import logs
from tests.embedded import ServiceDatabase, TestPostgres
from tests.shared.http.running import Small, running
from tests.shared.http.small import SMALL


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Say only what failed, on one line."""
    structlog.configure(
        processors=[logs.error_without_words, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )


@pytest.fixture(scope="session")
async def database(postgres: TestPostgres) -> ServiceDatabase:
    """Migrated as in production: by the owner, used by the other roles."""
    return await postgres.service_database("small", [SMALL.migrations])


@pytest.fixture(scope="module")
async def api(database: ServiceDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Small]:
    """The running API with its ordinary limits."""
    async with running(database, tmp_path_factory.mktemp("api")) as small:
        yield small


@pytest.fixture
def small(api: Small) -> Small:
    """The running API, seen from a site of the test's own."""
    api.site = f"site-{secrets.token_hex(4)}"
    return api
