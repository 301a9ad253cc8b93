"""Checks an export with nothing but the file and the public key: every edited, deleted, inserted, swapped or cut-off event is found."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deploy.proof.chain import Link, after, beginning
from deploy.proof.checkpoints import CheckpointsBroken, Story
from deploy.proof.exporting import FORMAT, CheckpointLine, EventLine, Exported, Statement, StatementLine
from deploy.proof.keys import is_signed

FAULTS_MAX: Final = 50


class EventHead(msgspec.Struct, frozen=True):
    """What of an event says where it belongs."""

    lane: int
    position: int
    stream: str
    version: int
    event_id: UUID


class Kind(msgspec.Struct, frozen=True):
    """What a line is."""

    kind: str


@dataclass
class Record:
    """One service's record as it is read."""

    service: str
    story: Story = field(init=False)
    links: dict[int, Link] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    events: int = 0

    def __post_init__(self) -> None:
        """Nothing read yet."""
        self.story = Story(self.service)


@dataclass
class Verdict:
    """What the export is: of when, how many events, the restorations that were signed, and everything wrong with it."""

    at: datetime | None = None
    events: int = 0
    services: list[str] = field(default_factory=list)
    restorations: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def check(path: Path, key: Ed25519PublicKey) -> Verdict:
    """Read the file once, from the first line to the last; at most FAULTS_MAX faults are told. Raises FileNotFoundError."""
    verdict, records, digest = Verdict(), dict[str, Record](), hashlib.sha256()
    statement: Statement | None = None
    for number, (line, whole) in enumerate(_lines(path), start=1):
        if len(verdict.faults) >= FAULTS_MAX:
            break
        if statement is not None:
            verdict.faults.append(f"line {number}: the statement was the end")
            break
        if not whole:
            verdict.faults.append(f"line {number} is cut off")
        try:
            statement = _take(line, records, key, verdict, digest.hexdigest)
        except (msgspec.MsgspecError, ValueError):
            verdict.faults.append(f"line {number} is not as it was written")
        digest.update(line + b"\n")
    if statement is None:
        verdict.faults.append("the signed statement at the end is missing: the file is cut off")
    else:
        verdict.at = statement.at
        verdict.faults += _ends(statement, records)
    for record in records.values():
        verdict.events += record.events
        verdict.services.append(record.service)
        verdict.restorations += [
            f"{record.service}: restored at {one.at:%Y-%m-%d %H:%M} UTC: {one.reason}"
            for one in record.story.restorations
        ]
    return verdict


def _take(
    line: bytes, records: dict[str, Record], key: Ed25519PublicKey, verdict: Verdict, digest: Callable[[], str]
) -> Statement | None:
    """Read one line; the statement when it is that. Raises MsgspecError for a line that this format never has."""
    match msgspec.json.decode(line, type=Kind).kind:
        case "event":
            _event(_exactly(line, EventLine), records, verdict)
        case "checkpoint":
            _checkpoint(_exactly(line, CheckpointLine), records, key, verdict)
        case "export":
            signed = _exactly(line, StatementLine).statement
            statement = msgspec.json.decode(signed.statement, type=Statement)
            if not is_signed(key, bytes(signed.statement), signed.signature):
                verdict.faults.append("the statement at the end is not signed by this key")
            if statement.format != FORMAT:
                verdict.faults.append(f"the format is {statement.format}, this program reads {FORMAT}")
            if statement.lines != digest():
                verdict.faults.append("the lines before the statement are not those that were signed")
            return statement
        case other:
            raise msgspec.ValidationError(other)
    return None


def _exactly[Line: msgspec.Struct](line: bytes, kind: type[Line]) -> Line:
    """The line as a value that is written in the same bytes again, so that there is only one way to write it."""
    read = msgspec.json.decode(line, type=kind)
    if msgspec.json.encode(read) != line:
        raise msgspec.ValidationError
    return read


def _checkpoint(line: CheckpointLine, records: dict[str, Record], key: Ed25519PublicKey, verdict: Verdict) -> None:
    record = records.setdefault(line.service, Record(line.service))
    try:
        record.story.add(bytes(line.checkpoint), key)
    except CheckpointsBroken as broken:
        verdict.faults.append(str(broken))


def _event(line: EventLine, records: dict[str, Record], verdict: Verdict) -> None:
    record = records.setdefault(line.service, Record(line.service))
    head = msgspec.json.decode(line.event, type=EventHead)
    link = record.links.get(head.lane) or beginning(line.service, head.lane)
    where = f"{line.service} lane {head.lane} position {head.position}"
    record.events += 1
    if head.lane < max(record.links, default=0):
        verdict.faults.append(f"{where}: lane {max(record.links)} had begun already")
    if head.position != link.position + 1:
        verdict.faults.append(f"{where}: {link.position + 1} was to come here; events are missing, repeated or swapped")
    if head.version != record.versions.get(head.stream, 0) + 1:
        verdict.faults.append(f"{where}: {head.stream} goes on with version {head.version}, which does not follow")
    record.versions[head.stream] = head.version
    made = after(link, head.position, head.event_id, bytes(line.event))
    if made.hash.hex() != line.hash:
        verdict.faults.append(f"{where}: the event is not the one that was recorded there")
    # From here on the file's own word counts, so that one wrong event is told once; checkpoints hold it to the truth.
    stated = bytes.fromhex(line.hash) if len(line.hash) == len(made.hash) * 2 else made.hash
    record.links[head.lane] = Link(head.position, head.event_id, stated)
    if record.story.passed.get(head.lane, {}).get(head.position, stated) != stated:
        verdict.faults.append(f"{where}: the events up to here are not those that the checkpoint signed")


def _ends(statement: Statement, records: dict[str, Record]) -> Iterator[str]:
    """Hold what was read against the statement."""
    said = {one.service: one for one in statement.services}
    if records.keys() - said.keys():
        yield f"the statement is about {', '.join(sorted(said))}, the lines about {', '.join(sorted(records))}"
    for service, one in said.items():
        yield from _end(one, records.get(service) or Record(service))


def _end(said: Exported, record: Record) -> Iterator[str]:
    story = record.story
    if (story.number, story.before) != (said.checkpoints, said.last_checkpoint):
        yield f"{said.service}: {said.checkpoints} checkpoints were exported, {story.number} are here"
    if record.events != said.events:
        yield f"{said.service}: {said.events} events were exported, {record.events} are here"
    ends = {one.lane: one for one in said.lanes}
    for lane in sorted(ends.keys() | record.links.keys() | story.newest.keys()):
        end, empty = ends.get(lane), beginning(said.service, lane)
        signed, reached = story.newest.get(lane, empty), record.links.get(lane, empty)
        stated = Link(end.position, end.event_id, bytes.fromhex(end.hash)) if end else empty
        if not stated == signed == reached:
            yield f"{said.service} lane {lane} ends at position {reached.position}, signed are {signed.position}"


def _lines(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Each line without its end, and whether it had one."""
    with path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n"), line.endswith(b"\n")
