"""Looks whether a log is older than what was signed of it, or than its topic: nothing may be started on such a log."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from deploy.instance import Instance
from deploy.proof.checkpoints import Checkpoints
from deploy.proof.keys import read_public
from deploy.proof.verifier import opened_logs
from deploy.proof.walking import Broken, ends_agree
from shared.cloudevents import topic_of
from shared.database import Connection
from shared.divergence import diverged, edges
from shared.lanes import LANES

LAST_RECORDS_SECONDS_MAX: Final = 30.0
WHAT_NOW: Final = "Nothing may go on from there: `evenkeel recover` shows what is missing and what can be done."


async def older_logs(instance: Instance, postgres: str) -> list[str]:
    """A sentence for each log that is not what was signed last. Raises CheckpointsBroken."""
    found = []
    async with AsyncExitStack() as stack:
        for service, connection in (await opened_logs(instance, postgres, stack)).items():
            story = Checkpoints(instance.checkpoints / f"{service}.jsonl", service).read(
                read_public(instance.proof_public_key)
            )
            try:
                await ends_agree(connection, story)
            except Broken as broken:
                found.append(str(broken))
    return [*found, WHAT_NOW] if found else []


async def topics_ahead(instance: Instance, postgres: str, kafka: str) -> list[str]:
    """A sentence for each lane whose topic ends with something that the log does not have."""
    found = []
    async with AsyncExitStack() as stack:
        for service, connection in (await opened_logs(instance, postgres, stack)).items():
            found += await topic_ahead(connection, service, kafka)
    return [*found, WHAT_NOW] if found else []


async def topic_ahead(log: Connection, service: str, kafka: str) -> list[str]:
    """The same of one service. Raises TimeoutError, KafkaError and Undecodable."""
    async with asyncio.timeout(LAST_RECORDS_SECONDS_MAX):
        last = {lane: one.last for lane, one in (await edges(kafka, topic_of(service), range(LANES))).items()}
    return [f"{service} lane {lane}: {reason}" for lane, reason in sorted((await diverged(log, last)).items())]
