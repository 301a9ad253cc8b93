"""What would lose events is named before anything starts."""

import importlib
from typing import Any

import pytest

from deploy import preflight
from shared.database import connect
from tests.embedded import TestKafka, TestPostgres


async def test_a_server_that_does_not_wait_for_the_disk_is_named(postgres: TestPostgres) -> None:
    dsn = await postgres.create_database()
    assert await preflight.server_faults(dsn) == []
    connection = await connect(dsn, name="tests")
    await connection.execute(f'alter database "{dsn.rpartition("/")[2]}" set synchronous_commit = off')
    await connection.close()

    assert await preflight.server_faults(dsn) == ["PostgreSQL: synchronous_commit is off"]


async def test_another_encoding_is_named(postgres: TestPostgres) -> None:
    connection = await connect(await postgres.create_database(), name="tests")
    await connection.execute(
        "create database latin template template0 encoding 'LATIN1' locale_provider libc locale 'C'"
    )
    await connection.close()

    assert await preflight.server_faults(postgres.dsn("latin")) == [
        "PostgreSQL: its encoding is LATIN1, UTF8 is needed"
    ]


@pytest.mark.broker
async def test_a_broker_without_our_topics_is_refused(postgres: TestPostgres, kafka: TestKafka) -> None:
    found = await preflight.faults(kafka.bootstrap, postgres.dsn())

    assert "intake.plan-state.v1: missing" in found


def test_a_missing_codec_or_compiled_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """T25, T26."""
    assert preflight.library_faults() == []
    real = importlib.import_module

    def without(name: str, *more: Any) -> Any:
        if name in {"aiokafka.record._crecords", "cramjam"}:
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(preflight, "import_module", without)

    assert preflight.library_faults() == ["aiokafka: its compiled part cannot be loaded", "cramjam: zstd does not work"]
