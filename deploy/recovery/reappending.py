"""Puts back into a restored log the very events that it lost and the topic kept, and proves that they are the ones that were signed."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final
from uuid import UUID, uuid5

from deploy.databases import SERVICES
from deploy.proof.chain import COLUMNS
from deploy.proof.checkpoints import Story
from deploy.proof.walking import ends_agree, walk
from deploy.recovery.survey import Survey
from deploy.recovery.surviving import Row
from shared.codec import Codec
from shared.database import Connection
from shared.log.reading import COLUMNS as EVENT_COLUMNS
from shared.log.reading import recorded

_INSERT: Final = f"insert into log.event ({', '.join(COLUMNS)}) values ({
    ', '.join(f'${n}::text::jsonb' if name == 'data' else f'${n}' for n, name in enumerate(COLUMNS, start=1))
})"  # noqa: S608 - columns are ours
_STREAM: Final = """
insert into log.stream as s (stream, version, lane, site_id, patient_id) values ($1, $2, $3, $4, $5)
on conflict (stream) do update set version = excluded.version
"""
_HEAD: Final = "update log.lane set head = $2, recorded_at = greatest(recorded_at, $3) where lane = $1 and head = $4"
_CURSOR: Final = "update log.relay_cursor set position = $2 where lane = $1"
_ANSWERED: Final = """
insert into log.idempotency (key, fingerprint, event_ids, recorded_at) values ($1, $2, $3, $4) on conflict do nothing
"""
_LOST_KEY: Final = """
insert into keyring.data_key (key_id, destroyed_at) values ($1, clock_timestamp()) on conflict do nothing
"""
_CAUSE: Final = f"select {EVENT_COLUMNS} from log.event where event_id = $1"  # noqa: S608 - columns are ours


class NotReappendable(Exception):  # noqa: N818 - said to an operator as it is
    """The log has gone on by itself since it was restored; two histories cannot be one lane."""


async def reappend(owner: Connection, survey: Survey, story: Story) -> int:
    """Put the surviving events of one service back, all or none; how many there were. `owner` may write to the log.

    Raises NotReappendable, and Broken when what the topic kept is not what was signed.
    """
    if survey.own:
        raise NotReappendable(f"{survey.service}: {NotReappendable.__doc__}")
    async with owner.transaction():
        for lane in survey.lanes:
            rows = lane.surviving
            if not rows:
                continue
            await owner.executemany(_INSERT, [[row[name] for name in COLUMNS] for row in rows])
            await owner.executemany(_STREAM, _streams(rows))
            newest = max(row["recorded_at"] for row in rows)
            done = await owner.execute(_HEAD, lane.lane, rows[-1]["position"], newest, lane.head)
            if done != "UPDATE 1":
                raise NotReappendable(f"{survey.service} lane {lane.lane} was written to a moment ago")
            await owner.execute(_CURSOR, lane.lane, rows[-1]["position"])
            async for _ in walk(owner, story, lane.lane, until=rows[-1]["position"]):
                pass  # raises Broken where the events are not those that were signed
        if not survey.lost:
            await ends_agree(owner, story)
    return survey.surviving


async def give_up_keys(keyring: Connection, key_ids: Iterable[str]) -> None:
    """Say of keys that are lost that they are destroyed: what was sealed with them reads as erased, for good."""
    await keyring.executemany(_LOST_KEY, [(key_id,) for key_id in sorted(key_ids)])


def _streams(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [(row["stream"], row["version"], row["lane"], row["site_id"], row["patient_id"]) for row in rows]


async def note_answers(owners: Mapping[str, Connection], surveys: Sequence[Survey]) -> int:
    """Let the policies know which of their acts are done already, so that they are not carried out again; how many.

    The keys of policies follow from the event that they answer; those of people's requests were known to the lost rows only.
    """
    noted = 0
    for survey in surveys:
        policies = {one.name: one for one in import_module(f"services.{survey.service}.main").SERVICE.policies}
        for row in (row for lane in survey.lanes for row in lane.surviving):
            kind, _, name = row["actor"].partition(":")
            if kind != "policy" or name not in policies:
                continue
            cause = await _cause(owners, row["causation_id"])
            for number, act in enumerate(policies[name].on(cause) if cause else ()):
                if f"{act.decider.category}-{act.stream_id}" == row["stream"]:
                    command_id = uuid5(cause.event_id, str(number))
                    answer = (f"policy:{name} {command_id}", command_id.bytes, [row["event_id"]], row["recorded_at"])
                    noted += await owners[survey.service].execute(_ANSWERED, *answer) == "INSERT 0 1"
    return noted


async def _cause(owners: Mapping[str, Connection], event_id: UUID | None) -> Any:
    """The event that a policy answered, from whichever log holds it; None when none does."""
    for service in SERVICES:
        row = await owners[service].fetchrow(_CAUSE, event_id)
        if row is not None:
            return recorded(service, Codec(import_module(f"shared.events.{service}")), row)
    return None
