"""Verifies a running system: the chains of its logs, and that what is shown of every patient follows from the events."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from deploy.databases import SERVICES
from deploy.instance import Instance
from deploy.proof import values
from deploy.proof.checkpoints import Checkpoints, CheckpointsBroken
from deploy.proof.comparing import Comparison, compare
from deploy.proof.keys import read_private
from deploy.proof.sealing import Seal
from deploy.proof.values import TopicValues
from deploy.proof.walking import Broken, Step, heads, stream_faults, walk
from shared.database import Connection, connect
from shared.lanes import LANES

STATEMENT_SECONDS_MAX: Final = 60.0
PATIENTS_MAX: Final = 50
"""Patients looked at between two looks at the logs."""

_PATIENTS: Final = "select distinct patient_id from log.stream where lane = $1 and patient_id is not null"
_NOW: Final = "select clock_timestamp()"


@dataclass
class Findings:
    """What is wrong right now, by what was looked at; whatever is looked at again is found anew."""

    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: Callable[[str], None] = lambda _: None

    def found(self, where: str, faults: Sequence[str]) -> None:
        """Replace what is wrong there; what is new is told."""
        before = self.faults.get(where, ())
        for fault in faults:
            if fault not in before:
                self.told(fault)
        if faults:
            self.faults[where] = tuple(faults)
        else:
            self.faults.pop(where, None)

    @property
    def all(self) -> list[str]:
        """Every fault, as sentences."""
        return [fault for faults in self.faults.values() for fault in faults]


@dataclass
class Verifier:
    """One instance's; `unsure` are the patients with events that have not been found in everything shown yet, and since when."""

    connections: dict[str, Connection]
    seals: dict[str, Seal]
    topics: TopicValues
    findings: Findings
    unsure: dict[UUID, datetime] = field(default_factory=dict)
    events: int = 0
    patients: int = 0
    degraded: set[UUID] = field(default_factory=set)

    async def now(self) -> datetime:
        """The time of the database."""
        found: datetime = await self.connections[SERVICES[0]].fetchval(_NOW)
        return found

    async def follow(self) -> None:
        """Take in what was appended to the logs and written to the topics since the last time."""
        for service, seal in self.seals.items():
            try:
                steps = await seal.follow(self.connections[service])
            except (Broken, CheckpointsBroken) as broken:
                self.findings.found(f"log of {service}", [str(broken)])
            else:
                self.findings.found(f"log of {service}", [])
                self._saw(steps)

    def sign(self, at: datetime) -> None:
        """Put the chains on record as far as they were followed; not those of a log in which something is wrong."""
        for service, seal in self.seals.items():
            if f"log of {service}" not in self.findings.faults:
                seal.sign(at)

    async def look(self) -> None:
        """Compare some of the patients of whom something has happened; who is not up to date comes again later."""
        for patient_id in list(self.unsure)[:PATIENTS_MAX]:
            since = self.unsure.pop(patient_id)
            found = await self.compare(patient_id, self.topics.newest.get(patient_id, {}))
            if found.complete and not found.faults:
                self.topics.newest.pop(patient_id, None)
            else:
                self.unsure[patient_id] = since

    async def compare(self, patient_id: UUID, shown: "dict[str, bytes | None]") -> Comparison:
        """Hold what is shown of one patient against the logs; what seems wrong is looked at twice, for tables may be exchanged."""
        found = await compare(self.connections, patient_id, shown)
        if found.faults:
            found = await compare(self.connections, patient_id, shown)
        self.findings.found(f"patient {patient_id}", found.faults)
        (self.degraded.add if found.degraded else self.degraded.discard)(patient_id)
        return found

    async def lane(self, lane: int) -> AsyncIterator[Comparison]:
        """Everything about one lane: its events from the first to the last, then its patients, one by one."""
        for service, connection in self.connections.items():
            self.findings.found(f"{service} lane {lane}", await self._walked(service, connection, lane))
        newest = await self.topics.lane(lane)
        patients = {
            row["patient_id"]
            for connection in self.connections.values()
            for row in await connection.fetch(_PATIENTS, lane)
        }
        for patient_id in sorted(patients):
            self.patients += 1
            yield await self.compare(patient_id, dict(values.of(newest, patient_id)))

    async def streams(self) -> None:
        """Count the events of every stream."""
        for service, connection in self.connections.items():
            self.findings.found(f"streams of {service}", await stream_faults(connection, service))

    async def _walked(self, service: str, connection: Connection, lane: int) -> list[str]:
        try:
            until = (await heads(connection)).get(lane, 0)
            async for steps in walk(connection, self.seals[service].story, lane, until=until):
                self.events += len(steps)
        except Broken as broken:
            return [str(broken)]
        return []

    def _saw(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.row["patient_id"]:
                self.unsure.setdefault(step.row["patient_id"], step.row["recorded_at"])


LANE_NUMBERS: Final = range(LANES)


@asynccontextmanager
async def opened(instance: Instance, postgres: str, kafka: str, findings: Findings) -> AsyncIterator[Verifier]:
    """A verifier, connected to both servers (`host:port`). Raises OSError, PostgresError, KafkaError."""
    async with AsyncExitStack() as stack:
        connections = await opened_logs(instance, postgres, stack)
        topics = await stack.enter_async_context(TopicValues(kafka))
        yield Verifier(connections, seals_of(instance), topics, findings)


async def opened_logs(instance: Instance, postgres: str, stack: AsyncExitStack) -> dict[str, Connection]:
    """A connection to each service's database as its verifier, closed with the stack."""
    passwords, connections = instance.passwords(), dict[str, Connection]()
    for service in SERVICES:
        dsn = f"postgresql://{service}_verifier:{passwords[f'{service}_verifier']}@{postgres}/{service}"
        connections[service] = await connect(dsn, name="verifier", statement_seconds_max=STATEMENT_SECONDS_MAX)
        stack.push_async_callback(connections[service].close)
    return connections


def seals_of(instance: Instance) -> dict[str, Seal]:
    """The seal of each service's log."""
    key = read_private(instance.proof_key)
    return {
        service: Seal(service, Checkpoints(instance.checkpoints / f"{service}.jsonl", service), key)
        for service in SERVICES
    }
