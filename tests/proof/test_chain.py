"""Nothing in the log can be changed, removed or put in without the signed checkpoints telling."""

from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.proof.checkpoints import CheckpointsBroken, Kind
from deploy.proof.sealing import Seal
from deploy.proof.walking import Broken, heads, walk
from tests.conftest import MakeDatabase
from tests.proof.records import NOON, SERVICE, Sealed, sealed_log

EDITS = {
    "data": "update log.event set data = data || '{\"by\": 99}' where (lane, position) = ($1, $2)",
    "sealed": "update log.event set sealed = '\\x00' where (lane, position) = ($1, $2)",
    "actor": "update log.event set actor = 'somebody else' where (lane, position) = ($1, $2)",
    "site": "update log.event set site_id = 'hillside' where (lane, position) = ($1, $2)",
    "time": "update log.event set recorded_at = recorded_at - interval '1 us' where (lane, position) = ($1, $2)",
    "type": "update log.event set type = 'Removed' where (lane, position) = ($1, $2)",
    "id": "update log.event set event_id = gen_random_uuid() where (lane, position) = ($1, $2)",
    "removed": "delete from log.event where (lane, position) = ($1, $2)",
}


async def read_again(here: Sealed) -> None:
    """Walk every lane from its beginning, as `evenkeel verify` does."""
    seal = here.fresh()
    seal.read()
    for lane, head in (await heads(here.connection)).items():
        async for _ in walk(here.connection, seal.story, lane, until=head):
            pass


@pytest.mark.parametrize("what", EDITS)
async def test_what_was_changed_in_the_tables_is_found(
    what: str, service_database: MakeDatabase, tmp_path: Path
) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await here.write()
        await here.sealed()
        await here.write(patients=2)
        await here.sealed()
        await read_again(here)
        lane, head = max((await heads(here.connection)).items(), key=lambda one: one[1])
        await here.past_the_trigger(EDITS[what], lane, head // 2)

        with pytest.raises(Broken, match=f"lane {lane}"):
            await read_again(here)


async def test_the_chain_goes_on_where_the_checkpoints_end(service_database: MakeDatabase, tmp_path: Path) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await here.write()
        await here.sealed()
        assert here.seal.sign(NOON) is None  # nothing new, nothing signed
        await here.write(patients=3)
        other = here.fresh()
        await other.follow(here.connection)
        assert (made := other.sign(NOON)) is not None
        assert (made.number, made.kind) == (2, Kind.CHECKPOINT)
        await here.sealed()  # the first one reads what the other wrote

        assert here.seal.links == other.links == here.fresh_links()
        assert {lane: link.position for lane, link in other.links.items()} == {
            lane: head for lane, head in (await heads(here.connection)).items() if head
        }


async def test_a_log_that_is_older_than_what_was_signed_is_refused_at_once(
    service_database: MakeDatabase, tmp_path: Path
) -> None:
    """T13: as after a restored backup, also when other events have come since."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        patients = await here.write(patients=1)
        await here.sealed()
        await here.past_the_trigger("delete from log.event where version > 2")
        await here.past_the_trigger("update log.lane set head = 2 where head > 2")
        await here.past_the_trigger("update log.stream set version = 2")
        with pytest.raises(Broken, match="older log, as after a restored backup"):
            await here.fresh().follow(here.connection)

        for _ in range(3):
            await here.bench.add(patients[0])
        with pytest.raises(Broken, match="another event than the one that was signed"):
            await here.fresh().follow(here.connection)


async def test_destroying_a_patient_s_key_breaks_nothing(service_database: MakeDatabase, tmp_path: Path) -> None:
    """Only sealed bytes are in the chain."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        patients = await here.write()
        await here.sealed()
        assert await here.bench.keyring.destroy(str(patients[0]))

        await read_again(here)


async def test_checkpoints_that_were_edited_cut_or_signed_by_others_are_refused(
    service_database: MakeDatabase, tmp_path: Path
) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        for _ in range(3):
            await here.write(patients=2, events=2)
            await here.sealed()
        path = here.seal.checkpoints.path
        lines = path.read_bytes().splitlines(keepends=True)
        assert len(lines) == 3
        forged = Seal(SERVICE, here.seal.checkpoints, Ed25519PrivateKey.generate())
        for wrong in (lines[1:], [lines[0], lines[2]], [lines[1], lines[0], lines[2]], [lines[0][:-9] + b'abcdef"}\n']):
            path.write_bytes(b"".join(wrong))
            with pytest.raises(CheckpointsBroken):
                here.fresh().read()
        path.write_bytes(b"".join(lines))
        with pytest.raises(CheckpointsBroken, match="not signed by this key"):
            forged.read()


async def test_half_a_line_left_by_a_power_cut_is_replaced(service_database: MakeDatabase, tmp_path: Path) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await here.write()
        await here.sealed()
        with here.seal.checkpoints.path.open("ab") as file:
            file.write(b'{"statement":{"kind":"che')
        await here.write()
        again = here.fresh()
        await again.follow(here.connection)
        assert again.sign(NOON) is not None

        assert here.fresh_links() == again.links


async def test_the_verifier_reads_everything_and_writes_nothing(service_database: MakeDatabase, tmp_path: Path) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await here.write()
        for sql in ("update log.lane set head = 0", "insert into projection.checkpoint values ('x', 'y', 0, 0)"):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await here.connection.execute(sql)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await here.connection.execute(f"begin; set transaction read write; {sql}")
            await here.connection.execute("rollback")
