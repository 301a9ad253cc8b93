"""Migrations are applied once, in order, and never edited."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from deploy import migrating as machinery
from deploy.migrating import MigrationEdited, MigrationOutOfOrder, migrate
from shared.database import connect
from tests.embedded import TestPostgres


@pytest.fixture
async def dsn(postgres: TestPostgres) -> str:
    return await postgres.create_database()


def folder(place: Path, **files: str) -> Path:
    made = place / "migrations"
    made.mkdir(parents=True, exist_ok=True)
    for name, sql in files.items():
        (made / f"{name}.sql").write_text(sql)
    return made


async def names_in(dsn: str, table: str) -> list[str]:
    connection = await connect(dsn, name="test")
    try:
        return [row[0] for row in await connection.fetch(f"select * from {table}")]
    finally:
        await connection.close()


async def test_files_are_applied_in_order_and_once(dsn: str, tmp_path: Path) -> None:
    first = folder(tmp_path / "b", a_0002="insert into place values ('two')", a_0001="create table place (name text)")
    second = folder(tmp_path / "a", a_0001="insert into place values ('of another folder')")

    applied = await migrate(dsn, [first, second], service="intake")

    assert applied == ["b/migrations/a_0001.sql", "b/migrations/a_0002.sql", "a/migrations/a_0001.sql"]
    assert await migrate(dsn, [first, second], service="intake") == []
    assert await names_in(dsn, "place") == ["two", "of another folder"]


async def test_a_file_that_was_edited_stops_everything(dsn: str, tmp_path: Path) -> None:
    made = folder(tmp_path, a_0001="create table place (name text)")
    await migrate(dsn, [made], service="intake")
    folder(tmp_path, a_0001="create table place (name varchar)", a_0002="create table other ()")

    with pytest.raises(MigrationEdited, match="a_0001"):
        await migrate(dsn, [made], service="intake")
    with pytest.raises(asyncpg.UndefinedTableError):
        await names_in(dsn, "other")


async def test_a_file_that_slips_in_between_is_refused(dsn: str, tmp_path: Path) -> None:
    made = folder(tmp_path, a_0002="create table place (name text)")
    await migrate(dsn, [made], service="intake")
    folder(tmp_path, a_0001="create table other ()")

    with pytest.raises(MigrationOutOfOrder, match="a_0001"):
        await migrate(dsn, [made], service="intake")


async def test_a_file_that_fails_leaves_nothing_behind(dsn: str, tmp_path: Path) -> None:
    made = folder(tmp_path, a_0001="create table place (name text); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn, [made], service="intake")
    folder(tmp_path, a_0001="create table place (name text)")

    assert await migrate(dsn, [made], service="intake") == [f"{tmp_path.name}/migrations/a_0001.sql"]


async def test_two_at_once_wait_for_each_other(dsn: str, tmp_path: Path) -> None:
    made = folder(tmp_path, a_0001="create table place (name text); select pg_sleep(0.3)")

    applied = await asyncio.gather(*(migrate(dsn, [made], service="intake") for _ in range(3)))

    assert sorted(len(one) for one in applied) == [0, 0, 1]


async def test_a_lock_that_is_not_given_fails_instead_of_waiting(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "LOCK_SECONDS_MAX", 0.2)
    await migrate(dsn, [folder(tmp_path / "one", a_0001="create table place (name text)")], service="intake")
    reader = await connect(dsn, name="a long transaction")
    async with reader.transaction():
        await reader.fetch("select * from place")

        with pytest.raises(asyncpg.LockNotAvailableError):
            await migrate(
                dsn, [folder(tmp_path / "two", a_0001="alter table place add column kind text")], service="intake"
            )
    await reader.close()


async def test_a_file_learns_the_services_name(dsn: str, tmp_path: Path) -> None:
    made = folder(tmp_path, a_0001="create table place as select current_setting('evenkeel.service') as name")
    await migrate(dsn, [made], service="scheduling")

    assert await names_in(dsn, "place") == ["scheduling"]
