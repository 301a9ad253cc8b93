"""Signed checkpoints: how far each lane's chain was at a moment, in a file outside the database that only ever grows."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.proof.chain import Link
from deploy.proof.keys import is_signed, signature_of

NOTHING_BEFORE: Final = "0" * 64
LINE_BYTES_MAX: Final = 65_536


class Kind(StrEnum):
    """A checkpoint goes on from the one before; a restoration begins again at an earlier place, by an operator's decision."""

    CHECKPOINT = "checkpoint"
    RESTORATION = "restoration"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A lane's chain: its position, the event there, and the hash in hexadecimal."""

    lane: int
    position: int
    event_id: UUID | None
    hash: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. `before` is the hash of the line before; `lanes` are those that moved since then."""

    kind: Kind
    service: str
    number: int
    at: datetime
    before: str
    lanes: list[Place]
    reason: str | None = None


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file; the signature is over the statement's own bytes."""

    statement: msgspec.Raw
    signature: str


class CheckpointsBroken(Exception):  # noqa: N818 - said to an operator as it is
    """The file of checkpoints was edited, or is not this instance's."""


@dataclass
class Story:
    """What the lines of a file say together: the newest link of each lane, and every link that a chain has to pass."""

    service: str
    number: int = 0
    before: str = NOTHING_BEFORE
    at: datetime | None = None
    newest: dict[int, Link] = field(default_factory=dict)
    passed: dict[int, dict[int, bytes]] = field(default_factory=dict)
    restorations: list[Statement] = field(default_factory=list)

    def add(self, line: bytes, key: Ed25519PublicKey) -> Statement:
        """Read the next line. Raises CheckpointsBroken unless it is signed, continues the line before and is of this service."""
        where = f"{self.service}: checkpoint {self.number + 1}"
        try:
            signed = msgspec.json.decode(line, type=Signed)
            statement = msgspec.json.decode(signed.statement, type=Statement)
        except (msgspec.MsgspecError, ValueError) as error:
            raise CheckpointsBroken(f"{where} cannot be read") from error
        if msgspec.json.encode(signed) != line or not is_signed(key, bytes(signed.statement), signed.signature):
            raise CheckpointsBroken(f"{where} is not signed by this key")
        if (statement.service, statement.number, statement.before) != (self.service, self.number + 1, self.before):
            raise CheckpointsBroken(f"{where} does not continue the one before")
        self.number, self.before, self.at = statement.number, hashlib.sha256(line).hexdigest(), statement.at
        if statement.kind is Kind.RESTORATION:
            self._restored(statement)
        for place in statement.lanes:
            self.newest[place.lane] = Link(place.position, place.event_id, bytes.fromhex(place.hash))
            self.passed.setdefault(place.lane, {})[place.position] = bytes.fromhex(place.hash)
        return statement

    def _restored(self, statement: Statement) -> None:
        """What lies behind the new ends counts no more: those events are gone, and the statement says so for good."""
        self.restorations.append(statement)
        for place in statement.lanes:
            kept = self.passed.get(place.lane, {})
            self.passed[place.lane] = {at: value for at, value in kept.items() if at < place.position}


@dataclass(frozen=True)
class Checkpoints:
    """The file of one service."""

    path: Path
    service: str

    def read(self, key: Ed25519PublicKey) -> Story:
        """The whole story, every signature checked. Raises CheckpointsBroken."""
        story = Story(self.service)
        for line in self.lines():
            story.add(line, key)
        return story

    def lines(self) -> list[bytes]:
        """Every whole line; one that a power cut left half written was never promised to anybody."""
        try:
            return self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    @contextmanager
    def held(self) -> Iterator[None]:
        """One writer at a time, across processes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            yield

    def append(
        self,
        key: Ed25519PrivateKey,
        story: Story,
        links: Mapping[int, Link],
        at: datetime,
        *,
        kind: Kind = Kind.CHECKPOINT,
        reason: str | None = None,
    ) -> Statement:
        """Sign where these lanes are and put it at the end of the file; on disk when this returns. To be called while `held`."""
        statement = Statement(
            kind=kind,
            service=self.service,
            number=story.number + 1,
            at=at,
            before=story.before,
            lanes=[Place(lane, link.position, link.event_id, link.hash.hex()) for lane, link in sorted(links.items())],
            reason=reason,
        )
        line = signed_line(key, statement)
        with self.path.open("r+b") as file:
            _to_the_end(file)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        story.add(line, key.public_key())
        return statement


def signed_line(key: Ed25519PrivateKey, statement: msgspec.Struct) -> bytes:
    """A statement with its signature."""
    content = msgspec.json.encode(statement)
    return msgspec.json.encode(Signed(statement=msgspec.Raw(content), signature=signature_of(key, content)))


def _to_the_end(file: BinaryIO) -> None:
    """Behind the last whole line; half a line goes."""
    size = file.seek(0, os.SEEK_END)
    looked_at = max(0, size - LINE_BYTES_MAX)
    file.seek(looked_at)
    end = looked_at + file.read().rfind(b"\n") + 1
    file.seek(end)
    file.truncate()
