"""The planted bugs are still where the product is: a bug that cannot be planted must not look like one that nobody catches."""

from typing import Final

import pytest

from shared.database import connect
from tests.conftest import MakeDatabase
from tests.faults import putting
from tests.faults.mutants import BUGS
from tests.faults.planted import MUTANTS, Planted

NO_BUG: Final = "a-timer"
BY_SQL: Final = [planted for planted in MUTANTS if planted.sql]


@pytest.mark.parametrize("name", sorted(BUGS.keys() - {NO_BUG}))
def test_a_bug_finds_the_part_whose_place_it_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[str] = []
    monkeypatch.setattr(putting, "setattr", lambda _place, part, _other: replaced.append(part), raising=False)

    _, plant = BUGS[name]
    plant()

    assert replaced


@pytest.mark.parametrize("planted", BY_SQL, ids=lambda planted: planted.name)
async def test_a_bug_in_sql_finds_the_words_that_it_changes(planted: Planted, service_database: MakeDatabase) -> None:
    for service, sql in planted.sql:
        database = await service_database(service)
        connection = await connect(database.superuser_dsn, name="tests")
        try:
            await connection.execute(sql)
        finally:
            await connection.execute(f"alter role {service}_api reset synchronous_commit")
            await connection.close()


def test_every_bug_of_a_process_belongs_to_a_scene() -> None:
    planted = {bug for one in MUTANTS for bug in one.bug.split(",") if bug}

    assert planted == set(BUGS)
    assert len(MUTANTS) >= 16
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
