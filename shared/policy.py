"""When X happens there, we do Y here: a pure function from an event to acts, carried out exactly once per event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import structlog
from prometheus_client import Counter

from shared.checkpoint import APPLIED, Checkpoint
from shared.cloudevents import from_kafka
from shared.codec import Codec
from shared.database import Connection
from shared.event import AnyRecorded
from shared.failures import Busy, Failure
from shared.log import Act, Context, Log
from shared.parking import BEHIND, Ratio, key_of, park, parked_keys
from shared.projecting import continuing

REFUSED = Counter("evenkeel_policy_refused_total", "Acts of a policy that the present state did not allow.", ["policy"])

logger = structlog.get_logger()


@dataclass(frozen=True)
class Policies:
    """`on` is pure: from one event to the acts that follow here, none for most events."""

    name: str
    topics: tuple[str, ...]
    on: Callable[[AnyRecorded], Sequence[Act]]


class PolicyReader:
    """Carries out a service's policies through its own log."""

    def __init__(self, policies: Policies, codecs: Mapping[str, Codec], log: Log) -> None:
        """What policies did cannot be built anew: there is one version."""
        self.name, self.topics, self.version = policies.name, policies.topics, 1
        self.policies, self.codecs, self.log = policies, codecs, log

    async def apply(
        self, connection: Connection, checkpoint: Checkpoint, messages: Sequence[Any], ratio: Ratio
    ) -> Checkpoint:
        """See `Reader`. The acts commit in the log first; when the checkpoint is lost, their keys make the repeat do nothing."""
        fresh, reached = continuing(self.name, checkpoint, messages)
        if fresh:
            waiting = await parked_keys(connection, self.name, fresh[0].topic, fresh[0].partition)
            for message in fresh:
                await self._one(connection, message, waiting, ratio)
            APPLIED.labels(self.name).inc(len(fresh))
        return reached

    async def _one(self, connection: Connection, message: Any, waiting: set[str], ratio: Ratio) -> None:
        key = key_of(message)
        if key in waiting:
            await park(connection, self.name, key, message, BEHIND)
            return
        try:
            event = from_kafka(self.codecs[message.topic], message)
            acts = self.policies.on(event)
        except Exception as error:
            logger.exception("policy.event_failed", policy=self.name, topic=message.topic, offset=message.offset)
            await park(connection, self.name, key, message, type(error).__name__)
            waiting.add(key)
            await ratio.failed(connection, self.name)
            return
        ratio.saw(failed=0, applied=1)
        await self._carry_out(acts, event)

    async def again(self, _connection: Connection, message: Any) -> None:
        """See `Reader`."""
        event = from_kafka(self.codecs[message.topic], message)
        await self._carry_out(self.policies.on(event), event)

    async def _carry_out(self, acts: Sequence[Act], event: AnyRecorded) -> None:
        for number, act in enumerate(acts):
            await carry_out(self.log, self.name, act, uuid5(event.event_id, str(number)), event)


async def carry_out(log: Log, name: str, act: Act, command_id: UUID, cause: AnyRecorded) -> None:
    """One act with a key of its own, so that a replay does nothing twice. A refusal is noted and not tried again."""
    context = Context(
        actor=f"policy:{name}",
        site_id=cause.site_id,
        correlation_id=cause.correlation_id,
        causation_id=cause.event_id,
        traceparent=cause.traceparent,
    )
    try:
        await log.handle([act], context, f"policy:{name} {command_id}", command_id.bytes)
    except Busy as busy:
        raise TimeoutError from busy  # the surroundings, not the event: the batch is tried again
    except Failure as refused:
        REFUSED.labels(name).inc()
        logger.warning("policy.refused", policy=name, cause=str(cause.event_id), refusal=refused.kind())
