"""A patient's key opens what it sealed, for its own event only, until it is destroyed."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from shared import keyring as machinery
from shared.database import Pool, open_pool
from shared.keyring import KeyMissing, Keyring, SealBroken, SiteKeys, ToSeal
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase


@pytest.fixture
async def database(service_database: MakeDatabase) -> ServiceDatabase:
    return await service_database("intake")


@asynccontextmanager
async def opened(database: ServiceDatabase) -> AsyncIterator[tuple[Keyring, Pool]]:
    """A process's keyring."""
    pool = await open_pool(database.keyring_dsn, name="test", connections_max=3)
    yield Keyring(pool, SiteKeys.read(database.site_keys)), pool
    await pool.close()


async def seal(keyring: Keyring, key_id: str, event_id: UUID, plaintext: bytes) -> bytes | None:
    return (await keyring.seal_all([ToSeal(key_id, event_id, plaintext)]))[0]


async def test_what_was_sealed_opens_in_every_process(database: ServiceDatabase) -> None:
    event_id = uuid4()
    async with opened(database) as (here, _), opened(database) as (there, _):
        sealed = await seal(here, "patient", event_id, b"MARKER")
        assert sealed is not None
        assert b"MARKER" not in sealed
        assert await there.open("patient", event_id, sealed) == b"MARKER"


async def test_two_processes_that_meet_a_patient_at_once_agree_on_the_key(database: ServiceDatabase) -> None:
    async with opened(database) as (here, _), opened(database) as (there, _):
        for number in range(20):
            event_id, key_id = uuid4(), f"patient {number}"
            one = await seal(here, key_id, event_id, b"one")
            other = await seal(there, key_id, event_id, b"other")
            assert one is not None
            assert other is not None
            assert await there.open(key_id, event_id, one) == b"one"
            assert await here.open(key_id, event_id, other) == b"other"


async def test_sealing_many_asks_once_for_all_keys(database: ServiceDatabase) -> None:
    async with opened(database) as (keyring, pool):
        wanted = [ToSeal(f"patient {number % 3}", uuid4(), b"%d" % number) for number in range(9)]
        await keyring.destroy("patient 1")
        sealed = await keyring.seal_all(wanted)

        assert [one is None for one in sealed] == [number % 3 == 1 for number in range(9)]
        assert await pool.fetchval("select count(*) from keyring.data_key") == 3
        assert sealed[8] is not None
        assert await keyring.open("patient 2", wanted[8].event_id, sealed[8]) == b"8"


async def test_equal_texts_are_sealed_differently(database: ServiceDatabase) -> None:
    async with opened(database) as (keyring, _):
        event_id = uuid4()
        assert await seal(keyring, "patient", event_id, b"same") != await seal(keyring, "patient", event_id, b"same")


async def test_sealed_bytes_belong_to_their_event_and_patient(database: ServiceDatabase) -> None:
    async with opened(database) as (keyring, _):
        event_id = uuid4()
        sealed = await seal(keyring, "patient", event_id, b"MARKER")
        await seal(keyring, "other", event_id, b"")
        assert sealed is not None

        for key_id, of_event, what in (
            ("patient", uuid4(), sealed),
            ("other", event_id, sealed),
            ("patient", event_id, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ):
            with pytest.raises(SealBroken):
                await keyring.open(key_id, of_event, what)


async def test_a_destroyed_key_opens_and_seals_nothing_any_more(database: ServiceDatabase) -> None:
    """T40."""
    event_id = uuid4()
    async with opened(database) as (keyring, _):
        sealed = await seal(keyring, "patient", event_id, b"MARKER")
        assert sealed is not None

        assert await keyring.destroy("patient") is True
        assert await keyring.destroy("patient") is False
        assert await keyring.open("patient", event_id, sealed) is None
        assert await seal(keyring, "patient", event_id, b"MARKER") is None


async def test_whoever_is_erased_before_anything_was_sealed_stays_erased(database: ServiceDatabase) -> None:
    """T40."""
    async with opened(database) as (keyring, _):
        assert await keyring.destroy("patient") is True
        assert await seal(keyring, "patient", uuid4(), b"MARKER") is None


async def test_other_processes_forget_a_destroyed_key_in_time(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T41: FORGET_SECONDS is 60; the clock is moved on."""
    event_id = uuid4()
    async with opened(database) as (here, _), opened(database) as (there, _):
        sealed = await seal(here, "patient", event_id, b"MARKER")
        assert sealed is not None
        await there.destroy("patient")
        assert await here.open("patient", event_id, sealed) == b"MARKER"

        later = time.monotonic() + 60.0
        monkeypatch.setattr(machinery, "time", SimpleNamespace(monotonic=lambda: later))
        assert await here.open("patient", event_id, sealed) is None


async def test_a_key_that_is_not_there_is_no_erasure(database: ServiceDatabase) -> None:
    """A keyring restored from an old backup must not look as if patients had been erased."""
    event_id = uuid4()
    async with opened(database) as (keyring, _):
        sealed = await seal(keyring, "patient", event_id, b"MARKER")
        assert sealed is not None
        with pytest.raises(KeyMissing):
            await keyring.open("somebody else", event_id, sealed)


async def test_only_so_many_keys_are_remembered(database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machinery, "REMEMBERED_KEYS_MAX", 2)
    async with opened(database) as (keyring, _):
        for key_id in ("one", "two", "three"):
            await seal(keyring, key_id, uuid4(), b"")

        assert list(keyring._held) == ["two", "three"]


async def test_keys_wrapped_by_an_older_site_key_still_open(database: ServiceDatabase) -> None:
    event_id = uuid4()
    async with opened(database) as (keyring, _):
        sealed = await seal(keyring, "patient", event_id, b"MARKER")
        assert sealed is not None
    held = json.loads(database.site_keys.read_text())
    newest = {"2": "00" * 32} | held["wrapping"]
    database.site_keys.write_text(json.dumps(held | {"wrapping": newest}))

    async with opened(database) as (keyring, pool):
        assert await keyring.open("patient", event_id, sealed) == b"MARKER"
        await seal(keyring, "new patient", event_id, b"")
        rows = await pool.fetch("select key_id, wrapped_by from keyring.data_key")
        assert {(row["key_id"], row["wrapped_by"]) for row in rows} == {("patient", "1"), ("new patient", "2")}


@pytest.mark.parametrize("wrapping", [{"1": "00" * 32}, {"2": "00" * 32}])
async def test_other_site_keys_open_nothing(database: ServiceDatabase, wrapping: dict[str, str]) -> None:
    event_id = uuid4()
    async with opened(database) as (keyring, _):
        sealed = await seal(keyring, "patient", event_id, b"MARKER")
        assert sealed is not None
    database.site_keys.write_text(json.dumps({"wrapping": wrapping, "blinding": "00" * 32}))

    async with opened(database) as (keyring, _):
        with pytest.raises(KeyMissing):
            await keyring.open("patient", event_id, sealed)


async def test_equal_values_have_the_same_blind_index_only_under_the_same_keys(
    database: ServiceDatabase, service_database: MakeDatabase
) -> None:
    elsewhere = await service_database("intake")
    async with opened(database) as (here, _), opened(database) as (there, _), opened(elsewhere) as (other, _):
        index = here.blind_index("ada|1990-01-01")

        assert len(bytes.fromhex(index)) == 32
        assert there.blind_index("ada|1990-01-01") == index
        assert here.blind_index("ada|1990-01-02") != index
        assert other.blind_index("ada|1990-01-01") != index


def test_the_site_keys_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    SiteKeys.write_new(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert {len(key) for key in SiteKeys.read(path).wrapping.values()} == {32}
    with pytest.raises(FileExistsError):
        SiteKeys.write_new(path)
