"""An export is checked with the file and the public key alone, and no tampering with it goes unseen."""

import hashlib
import random
import stat
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.proof import offline
from deploy.proof.checkpoints import signed_line
from deploy.proof.exporting import Statement, StatementLine
from deploy.proof.walking import Broken
from tests.conftest import MakeDatabase
from tests.proof.records import Sealed, sealed_log
from tests.proof.tampering import WAYS, edit_and_rehash, events_of

TAMPERS = 1000
SEED = 20_260_302


@dataclass
class Export:
    """An export of a log that was signed several times on the way."""

    path: Path
    lines: list[bytes]
    public: Ed25519PublicKey
    private: Ed25519PrivateKey

    def checked(self, lines: list[bytes]) -> list[str]:
        """What is wrong with these lines in its place."""
        path = self.path.with_name("tampered.jsonl")
        path.write_bytes(b"\n".join(lines) + b"\n")
        return offline.check(path, self.public).faults


async def written(here: Sealed) -> None:
    for _ in range(4):
        await here.write(patients=8, events=3)
        await here.sealed()


@pytest.fixture
async def made(service_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Export]:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await written(here)
        path = await here.exported()
        key = here.seal.key
        yield Export(path, path.read_bytes().splitlines(), key.public_key(), key)


async def test_an_export_as_it_was_made_is_whole(made: Export) -> None:
    verdict = offline.check(made.path, made.public)

    assert verdict.faults == []
    assert (verdict.events, verdict.services) == (96, ["counter"])
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.checked(made.lines) == []


async def test_a_thousand_tampers_are_found(made: Export) -> None:
    dice, tried, missed = random.Random(SEED), Counter[str](), list[str]()
    while sum(tried.values()) < TAMPERS:
        name = dice.choice(list(WAYS))
        lines = WAYS[name](made.lines, dice)
        if lines == made.lines:
            continue
        tried[name] += 1
        if not made.checked(lines):
            missed.append(name)

    assert missed == []
    assert min(tried.values()) > TAMPERS / len(WAYS) / 2, tried


async def test_tampers_with_events_are_found_by_the_chain_alone(made: Export) -> None:
    """Even when the statement at the end is signed again, as by a thief of the key, the checkpoints inside tell of it."""
    dice, missed = random.Random(SEED), list[str]()
    for name in [name for name in WAYS if name not in {"truncate", "cut", "flip", "drop_a_checkpoint"}] * 20:
        lines = WAYS[name](made.lines, dice)
        if lines != made.lines and not made.checked([*lines[:-1], signed_again(made, lines)]):
            missed.append(name)

    assert missed == []


async def test_the_checkpoints_find_a_chain_that_was_recomputed(made: Export) -> None:
    lines = edit_and_rehash(made.lines, random.Random(SEED))
    found = made.checked([*lines[:-1], signed_again(made, lines)])

    assert any("not those that the checkpoint signed" in one for one in found)


async def test_the_fault_is_named_where_it_is(made: Export) -> None:
    number = events_of(made.lines)[5]
    event = msgspec.json.decode(made.lines[number])["event"]
    lines = [*made.lines[:number], made.lines[number].replace(b"tester", b"nobody"), *made.lines[number + 1 :]]

    faults = made.checked(lines)

    assert faults[0] == (
        f"counter lane {event['lane']} position {event['position']}: the event is not the one that was recorded there"
    )
    assert len(faults) == 2  # and the statement is about other lines


async def test_another_instance_s_key_verifies_nothing(made: Export) -> None:
    assert offline.check(made.path, Ed25519PrivateKey.generate().public_key()).faults


async def test_an_older_export_cannot_pass_for_a_newer_one(service_database: MakeDatabase, tmp_path: Path) -> None:
    """Cut back to an earlier checkpoint, everything but the statement is as it once was."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await written(here)
        older = (await here.exported()).read_bytes().splitlines()
        await written(here)
        newer = (await here.exported()).read_bytes().splitlines()
        path = tmp_path / "mixed.jsonl"
        path.write_bytes(b"\n".join([*older[:-1], newer[-1]]) + b"\n")

        assert offline.check(path, here.seal.key.public_key()).faults


async def test_a_log_that_was_changed_is_not_exported(service_database: MakeDatabase, tmp_path: Path) -> None:
    """Nothing is signed that contradicts what was signed before."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        await written(here)
        await here.past_the_trigger("update log.event set actor = 'nobody' where version = 2")
        with pytest.raises(Broken, match="not the events that were signed"):
            await here.exported()

        assert not list(tmp_path.glob("export-*"))  # noqa: ASYNC240 - a test looks


async def test_erasing_a_patient_leaves_the_export_whole(service_database: MakeDatabase, tmp_path: Path) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        patients = await here.write()
        await here.sealed()
        await here.bench.keyring.destroy(str(patients[0]))

        assert offline.check(await here.exported(), here.seal.key.public_key()).faults == []


def signed_again(made: Export, lines: list[bytes]) -> bytes:
    """The statement about these lines, signed with the instance's own key."""
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines[:-1])).hexdigest()
    line = msgspec.json.decode(made.lines[-1], type=StatementLine)
    statement = msgspec.json.decode(line.statement.statement, type=Statement)
    again = signed_line(made.private, msgspec.structs.replace(statement, lines=digest))
    return msgspec.json.encode(StatementLine(statement=msgspec.json.decode(again, type=type(line.statement))))
