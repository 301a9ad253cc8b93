"""An export of the record that anybody can check without us: the events, the checkpoints, and a signed statement that this is all."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from deploy.proof.checkpoints import Place, Signed, signed_line
from deploy.proof.sealing import Seal
from deploy.proof.walking import walk
from shared.database import Connection

FORMAT: Final = "evenkeel export v1"


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event: its canonical bytes, and the hash of the chain after it in hexadecimal."""

    kind: Literal["event"] = "event"
    service: str
    hash: str
    event: msgspec.Raw


class CheckpointLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a service's checkpoints, as it stands in the file."""

    kind: Literal["checkpoint"] = "checkpoint"
    service: str
    checkpoint: msgspec.Raw


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What the statement says of one service: how many checkpoints and events there are, and where each lane ends."""

    service: str
    checkpoints: int
    last_checkpoint: str
    events: int
    lanes: list[Place]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed at the end: that these services' records, up to here, are the whole export.

    `lines` is the hash of all lines before, so that nothing can be put between them.
    """

    kind: Literal["export"] = "export"
    format: str = FORMAT
    at: datetime
    lines: str
    services: list[Exported]


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """The last line."""

    kind: Literal["export"] = "export"
    statement: Signed


@dataclass
class _Writer:
    file: BinaryIO
    digest: "hashlib._Hash"

    def write(self, line: msgspec.Struct) -> None:
        written = msgspec.json.encode(line) + b"\n"
        self.digest.update(written)
        self.file.write(written)


async def export(path: Path, seals: Mapping[str, tuple[Seal, Connection]], at: datetime) -> int:
    """Write the records of these services to `path`, readable by the owner only; how many events there are.

    Raises Broken or CheckpointsBroken when a log is not what was signed, and leaves no file then. Raises FileExistsError.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        writer = _Writer(file, hashlib.sha256())
        try:
            said = [await _service(writer, seal, connection, at) for seal, connection in seals.values()]
            statement = Statement(at=at, lines=writer.digest.hexdigest(), services=said)
            key = next(iter(seals.values()))[0].key
            signed = msgspec.json.decode(signed_line(key, statement), type=Signed)
            writer.write(StatementLine(statement=signed))
        except BaseException:
            path.unlink()  # noqa: ASYNC240 - one small call
            raise
        file.flush()
        os.fsync(file.fileno())
    return sum(one.events for one in said)


async def _service(writer: _Writer, seal: Seal, connection: Connection, at: datetime) -> Exported:
    """Sign where the lanes are now; then write the checkpoints, and every event up to there."""
    await _sign_all(seal, connection, at)
    story, links, events = seal.story, dict(seal.story.newest), 0
    for line in seal.checkpoints.lines()[: story.number]:
        writer.write(CheckpointLine(service=seal.service, checkpoint=msgspec.Raw(line)))
    for lane, end in sorted(links.items()):
        async for steps in walk(connection, story, lane, until=end.position):
            for step in steps:
                event = msgspec.Raw(step.line)
                writer.write(EventLine(service=seal.service, hash=step.link.hash.hex(), event=event))
            events += len(steps)
    return Exported(
        service=seal.service,
        checkpoints=story.number,
        last_checkpoint=story.before,
        events=events,
        lanes=[Place(lane, end.position, end.event_id, end.hash.hex()) for lane, end in sorted(links.items())],
    )


async def _sign_all(seal: Seal, connection: Connection, at: datetime) -> None:
    """Everything that is in the log now is signed, also when the verifier signs at the same moment."""
    while True:
        await seal.follow(connection)
        seal.sign(at)
        if all(seal.story.newest.get(lane) == link for lane, link in seal.links.items()):
            return
