"""Session locks are only trusted where a session is one."""

import pytest

from shared.database import SessionShared, assert_own_session, connect
from tests.embedded import TestPostgres
from tests.shared.pooler import pooled


async def test_a_direct_connection_is_a_session_of_its_own(postgres: TestPostgres) -> None:
    """T52."""
    connection = await connect(postgres.dsn(), name="test")
    await assert_own_session(connection)
    await connection.close()


@pytest.mark.parametrize(("backends", "own_pid"), [(2, True), (2, False), (1, True)])
async def test_a_pooler_in_transaction_mode_is_refused(postgres: TestPostgres, backends: int, own_pid: bool) -> None:
    """T52: also while it has but one backend to give, and when it passes the first one's greeting on."""
    async with pooled(postgres.dsn(), backends=backends, own_pid=own_pid) as dsn:
        connection = await connect(dsn, name="test")
        with pytest.raises(SessionShared):
            await assert_own_session(connection)
        connection.terminate()
