"""What is written down about a room."""

from shared.event import event


@event()
class RoomOpened:
    """A site has a room for sessions; `seats` is how many people fit in."""

    site_id: str
    name: str
    seats: int


@event()
class RoomClosed:
    """The room is no longer used."""

    reason: str


type RoomEvent = RoomOpened | RoomClosed
