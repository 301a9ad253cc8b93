"""`evenkeel recover`: after a restored backup, what is missing, what survives elsewhere, and the safe ways on."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.table import Table

from deploy.cli.proving import Kafka, Server
from deploy.cli.screen import DEFAULT_DATA, Data, console, give_up, say
from deploy.databases import KEYRING, SERVICES
from deploy.instance import AlreadyRunning, Instance
from deploy.proof.sealing import Seal
from deploy.proof.verifier import seals_of
from deploy.proof.walking import Broken
from deploy.recovery import accepting, reappending
from deploy.recovery.servers import AtWork, Servers, owners, started
from deploy.recovery.survey import Survey, survey, without_keys
from shared.database import Connection

LANES_SHOWN: Final = 48


class Way(StrEnum):
    """How to go on."""

    REAPPEND = "reappend"
    ACCEPT = "accept"


@dataclass(frozen=True)
class Decision:
    """What an operator has decided."""

    way: Way
    reason: str
    keys_are_lost: bool


class KeysMissing(Exception):  # noqa: N818 - said to an operator as it is
    """Restore a newer backup of the keyring database, or say --keys-are-lost: their sealed fields then read as erased, for good."""


def recover(
    data: Data = DEFAULT_DATA,
    server: Server = None,
    kafka: Kafka = None,
    *,
    way: Annotated[Way | None, typer.Option(help="Which of the ways to go; without it they are only shown.")] = None,
    reason: Annotated[str, typer.Option(help="Why, and who decided it: goes on record for good.")] = "",
    keys_are_lost: Annotated[
        bool, typer.Option("--keys-are-lost", help="There is no newer backup of the keyring: give those fields up.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it nothing is changed.")] = False,
) -> None:
    """After a restored backup: show what is missing in the logs, and go on in a safe way. The services have to be stopped.

    Exit code 0 when there is one history, 1 while there are two.
    """
    instance = Instance(data.resolve())
    if not instance.proof_key.exists():
        give_up(f"There is no instance in {instance.folder}.")
    if way and yes and not reason:
        give_up("Give a --reason: who decided this and why goes on record for good.")
    decision = Decision(way, reason, keys_are_lost=keys_are_lost) if way and yes else None
    try:
        if server and kafka:
            done = asyncio.run(_recover(instance, Servers(server, kafka), decision))
        else:
            with console.status("Starting PostgreSQL and Kafka"), started(instance) as servers:
                done = asyncio.run(_recover(instance, servers, decision))
    except AlreadyRunning as running:
        give_up(f"{running} Stop it first: evenkeel down")
    except (AtWork, Broken, KeysMissing, reappending.NotReappendable) as refused:
        give_up(f"{refused}\nNothing was changed.")
    raise typer.Exit(0 if done else 1)


async def _recover(instance: Instance, servers: Servers, decision: Decision | None) -> bool:
    """Whether there is one history now."""
    async with AsyncExitStack() as stack:
        connections = await owners(instance, servers, stack)
        logs = {name: connections[name] for name in SERVICES}
        seals = seals_of(instance)
        surveys = await _surveyed(logs, servers, seals)
        if not any(one.lanes for one in surveys):
            say("Logs, topics, readers and checkpoints tell one history; there is nothing to recover.")
            return True
        _show(surveys)
        missing = await without_keys(connections[KEYRING], surveys)
        caused = await accepting.caused(logs, surveys)
        if decision is None:
            _ways(surveys, len(missing), caused)
            return False
        if decision.way is Way.REAPPEND:
            if missing and not decision.keys_are_lost:
                raise KeysMissing(f"The keys of {len(missing)} people are not in the keyring. {KeysMissing.__doc__}")
            await reappending.give_up_keys(connections[KEYRING], missing)
            await _reappend(logs, surveys, seals, decision.reason)
        else:
            path = instance.folder / f"lost-events-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
            count = accepting.keep(path, surveys)
            say(f"{count} events that are no part of the log any more are kept in {path}, for people to enter again")
            await _accept(logs, servers.kafka, surveys, seals, decision.reason)
        left = [one for one in await _surveyed(logs, servers, seals) if one.lanes]
        if left:
            _show(left)
            give_up("There are still two histories; run `evenkeel recover` again.")
        say("There is one history again. Start with `evenkeel up`, then look with `evenkeel verify`.")
        return True


async def _surveyed(logs: Mapping[str, Connection], servers: Servers, seals: Mapping[str, Seal]) -> list[Survey]:
    for seal in seals.values():
        seal.read()
    return [await survey(service, logs, servers.kafka, seals[service].story) for service in SERVICES]


async def _reappend(
    logs: Mapping[str, Connection], surveys: Sequence[Survey], seals: Mapping[str, Seal], reason: str
) -> None:
    if any(one.own for one in surveys):
        raise reappending.NotReappendable(reappending.NotReappendable.__doc__)
    for one in surveys:
        if one.lanes:
            count = await reappending.reappend(logs[one.service], one, seals[one.service].story)
            say(f"{one.service}: {count} events are back, the same as they were")
    known = await reappending.note_answers(logs, surveys)
    say(f"{known} acts of policies are known again as done")
    for one in surveys:
        if ends := {lane.lane: lane.common + len(lane.surviving) for lane in one.lanes if lane.lost}:
            await accepting.sign_anew(seals[one.service], logs[one.service], ends, datetime.now(UTC), reason)


async def _accept(
    logs: Mapping[str, Connection], kafka: str, surveys: Sequence[Survey], seals: Mapping[str, Seal], reason: str
) -> None:
    await accepting.accept(logs, kafka, surveys)
    for one in surveys:
        if ends := {lane.lane: lane.common for lane in one.lanes}:
            await accepting.sign_anew(seals[one.service], logs[one.service], ends, datetime.now(UTC), reason)
    say("Topics are made anew; read tables, plan states and schedules are built from the logs at the next start")


def _show(surveys: Sequence[Survey]) -> None:
    table = Table(
        "log",
        "lane",
        "same up to",
        "log ends",
        "signed",
        "topic ends",
        "only in topic",
        "only in log",
        "ahead of the log",
    )
    rows = [(one.service, lane) for one in surveys for lane in one.lanes]
    for service, lane in rows[:LANES_SHOWN]:
        numbers = (lane.lane, lane.common, lane.head, lane.signed, lane.topic, len(lane.surviving), lane.own)
        table.add_row(service, *map(str, numbers), ", ".join(lane.readers))
    console.print(table)
    for one in surveys:
        if one.lanes:
            say(
                f"{one.service}: {one.surviving} events are only in the topic, {one.own} only in the log, "
                f"{one.lost} were signed and are nowhere"
            )


def _ways(surveys: Sequence[Survey], missing: int, caused: Sequence[str]) -> None:
    say("\nThe log is an older one, as after a restored backup. Nothing was changed. The ways on:")
    say("1. Restore a newer backup, if there is one. Nothing else keeps everything.")
    if any(one.own for one in surveys):
        say(
            "2. Not possible here: putting back what the topic kept. The log has gone on by itself since it was restored."
        )
    else:
        say("2. Put back what the topic kept, as the very events that they were; checked against what was signed:")
        say('     evenkeel recover --way reappend --reason "who and why" --yes')
        say("   Requests of that time that are sent again with their old keys are not recognised any more.")
        if missing:
            say(
                f"   The keys of {missing} people are not in the restored keyring: what was sealed for them stays closed."
            )
    say(
        "3. Go on from the log as it stands. What only the topic has is written to a file and is no part of the record any more;"
    )
    say("   topics are made anew, and everything that is shown is built from the log again:")
    say('     evenkeel recover --way accept --reason "who and why" --yes')
    if caused:
        say("   What followed from those events elsewhere stays, and somebody has to look at it:")
        for line in caused:
            say(f"     {line}")
    say("Patients who were erased after the backup are in it again: erase them again before anybody reads.")
