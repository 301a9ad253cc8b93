"""What every service writes down when an operator deals with events that could not be applied."""

from uuid import UUID

from shared.event import Personal, event


@event()
class ParkedEventsRetried:
    """The events that a consumer had parked under one key were to be applied again, in order."""

    consumer: str
    key: str
    events: int
    reason: Personal[str]


@event()
class ParkedEventEdited:
    """A consumer was given other content for one parked event. The event itself stands in its log as it was.

    `content` is the JSON object of the event's plain fields as the consumer reads them from now on.
    """

    consumer: str
    key: str
    topic: str
    lane: int
    position: int | None
    event_id: UUID | None
    content: Personal[str | None]
    reason: Personal[str]


@event()
class ParkedEventDiscarded:
    """A consumer was to go on without one parked event. The event itself stands in its log as it was."""

    consumer: str
    key: str
    topic: str
    lane: int
    position: int | None
    event_id: UUID | None
    reason: Personal[str]


type ParkingEvent = ParkedEventsRetried | ParkedEventEdited | ParkedEventDiscarded
