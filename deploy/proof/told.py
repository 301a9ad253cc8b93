"""An event as the reference sees it: what the table's row says, nothing decoded by the services' own code."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from deploy.databases import SERVICES
from shared.database import Connection, Record

# Through the streams, which know their patient; the log itself is read by position and by stream only.
_OF_PATIENT: Final = """
select e.type, e.stream, e.version, e.lane, e.position, e.event_id, e.site_id, e.effective_at, e.recorded_at, e.data::text as data
from log.stream s join log.event e using (stream) where s.patient_id = $1 order by e.position
"""

type Words = Mapping[str, Any]
type Reached = Mapping[str, int]
"""Service to the position in its lane up to which something has been taken in."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of one patient."""

    service: str
    type: str
    stream: str
    version: int
    lane: int
    position: int
    event_id: UUID
    site_id: str
    effective_at: datetime
    recorded_at: datetime
    data: Words

    @property
    def category(self) -> str:
        """What kind of stream it is in, such as `taper`."""
        return self.stream.partition("-")[0]

    @property
    def subject(self) -> str:
        """Whose story it is part of: the stream's own id."""
        return self.stream.partition("-")[2]


async def of_patient(connections: Mapping[str, Connection], patient_id: UUID) -> list[Told]:
    """Everything that the logs hold about a patient; within a service in the order of its lane."""
    return [
        told
        for service in SERVICES
        if service in connections
        for told in _read(service, await connections[service].fetch(_OF_PATIENT, patient_id))
    ]


def up_to(events: Sequence[Told], reached: Reached) -> list[Told]:
    """The events that something has taken in which says that it is so far; a service it does not name counts not at all."""
    return [one for one in events if one.position <= reached.get(one.service, 0)]


def newest(events: Sequence[Told]) -> dict[str, int]:
    """Service to the position of the last event."""
    return {one.service: one.position for one in events}


def _read(service: str, rows: Sequence[Record]) -> Iterator[Told]:
    for row in rows:
        yield Told(**{**row, "service": service, "data": json.loads(row["data"])})
