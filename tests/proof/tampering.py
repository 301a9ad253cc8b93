"""Ways of tampering with an export: clumsy ones, and those of somebody who knows the format and recomputes every hash."""

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec

from deploy.proof.chain import after, beginning
from deploy.proof.exporting import EventLine

type Lines = list[bytes]
type Tamper = Callable[[Lines, random.Random], Lines]


def events_of(lines: Lines) -> list[int]:
    """Where the events are."""
    return [number for number, line in enumerate(lines) if line.startswith(b'{"kind":"event"')]


def edit(lines: Lines, dice: random.Random) -> Lines:
    """One column of one event says something else."""
    number = dice.choice(events_of(lines))
    return _replaced(lines, number, _edited(lines[number], dice))


def edit_and_rehash(lines: Lines, dice: random.Random) -> Lines:
    """The same, and every hash behind it is computed anew."""
    return rehashed(edit(lines, dice))


def delete(lines: Lines, dice: random.Random) -> Lines:
    """An event is gone."""
    number = dice.choice(events_of(lines))
    return lines[:number] + lines[number + 1 :]


def delete_and_renumber(lines: Lines, dice: random.Random) -> Lines:
    """An event is gone, those behind it have moved up, and every hash is right again."""
    return rehashed(renumbered(delete(lines, dice)))


def insert(lines: Lines, dice: random.Random) -> Lines:
    """An event that never was, made from one that was."""
    number = dice.choice(events_of(lines))
    return [*lines[:number], _edited(lines[number], dice), *lines[number:]]


def insert_and_renumber(lines: Lines, dice: random.Random) -> Lines:
    """The same, with positions, versions and hashes put right."""
    return rehashed(renumbered(insert(lines, dice)))


def repeat(lines: Lines, dice: random.Random) -> Lines:
    """An event stands there twice."""
    number = dice.choice(events_of(lines))
    return [*lines[:number], lines[number], *lines[number:]]


def swap(lines: Lines, dice: random.Random) -> Lines:
    """Two events have changed places."""
    one, other = dice.sample(events_of(lines), 2)
    made = list(lines)
    made[one], made[other] = made[other], made[one]
    return made


def swap_contents(lines: Lines, dice: random.Random) -> Lines:
    """Two events have changed what they say, and every hash is right again."""
    one, other = dice.sample(events_of(lines), 2)
    first, second = (json.loads(lines[number]) for number in (one, other))
    first["event"]["event_id"], second["event"]["event_id"] = second["event"]["event_id"], first["event"]["event_id"]
    return rehashed(_replaced(_replaced(lines, one, _line(first)), other, _line(second)))


def truncate(lines: Lines, dice: random.Random) -> Lines:
    """The end is missing."""
    return lines[: dice.randrange(1, len(lines))]


def truncate_events(lines: Lines, dice: random.Random) -> Lines:
    """The last events are missing; the statement still stands at the end."""
    last = events_of(lines)[-1]
    return [*lines[: last + 1 - dice.randrange(1, 10)], *lines[last + 1 :]]


def cut(lines: Lines, dice: random.Random) -> Lines:
    """The last line is cut in the middle."""
    return [*lines[:-1], lines[-1][: dice.randrange(len(lines[-1]))]]


def flip(lines: Lines, dice: random.Random) -> Lines:
    """One byte anywhere is another one."""
    number = dice.randrange(len(lines))
    line = bytearray(lines[number])
    at = dice.randrange(len(line))
    line[at] = dice.choice([one for one in range(32, 127) if one != line[at]])
    return _replaced(lines, number, bytes(line))


def drop_a_checkpoint(lines: Lines, dice: random.Random) -> Lines:
    """A checkpoint that would tell is gone."""
    number = dice.choice([at for at, line in enumerate(lines) if line.startswith(b'{"kind":"checkpoint"')])
    return lines[:number] + lines[number + 1 :]


WAYS: dict[str, Tamper] = {
    one.__name__: one
    for one in (
        *(edit, edit_and_rehash, delete, delete_and_renumber, insert, insert_and_renumber, repeat, swap, swap_contents),
        *(truncate, truncate_events, cut, flip, drop_a_checkpoint),
    )
}


def rehashed(lines: Lines) -> Lines:
    """Every event's hash computed anew, along each lane."""
    links: dict[tuple[str, int], Any] = {}
    made = list(lines)
    for number in events_of(lines):
        line = msgspec.json.decode(lines[number], type=EventLine)
        event = json.loads(bytes(line.event))
        lane = (line.service, event["lane"])
        link = after(links.get(lane) or beginning(*lane), event["position"], event["event_id"], bytes(line.event))
        links[lane] = link
        made[number] = msgspec.json.encode(msgspec.structs.replace(line, hash=link.hash.hex()))
    return made


def renumbered(lines: Lines) -> Lines:
    """Positions and versions without gaps again."""
    made, positions, versions = list(lines), dict[int, int](), dict[str, int]()
    for number in events_of(lines):
        read = json.loads(lines[number])
        event = read["event"]
        event["position"] = positions[event["lane"]] = positions.get(event["lane"], 0) + 1
        event["version"] = versions[event["stream"]] = versions.get(event["stream"], 0) + 1
        made[number] = _line(read)
    return made


def _edited(line: bytes, dice: random.Random) -> bytes:
    read = json.loads(line)
    name = dice.choice([one for one, value in read["event"].items() if value is not None])
    match read["event"][name]:
        case int() as number:
            read["event"][name] = number + dice.choice([-1, 1])
        case str() as text:
            read["event"][name] = text[:-1] + ("0" if text[-1] != "0" else "1")
        case other:
            read["event"][name] = {**other, "by": dice.randrange(1000, 2000)}
    return _line(read)


def _line(read: dict[str, Any]) -> bytes:
    return json.dumps(read, separators=(",", ":")).encode()


def _replaced(lines: Lines, number: int, line: bytes) -> Lines:
    return [*lines[:number], line, *lines[number + 1 :]]
