"""Which site may dose a patient, since when, and the stay at another site that is asked for or under way."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from uuid import UUID

from shared.failures import NotFound


class NothingEstablished(NotFound):
    """Nobody has dosed this patient or asked to yet."""


class StayStatus(Enum):
    """How far a stay has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    UNDER_WAY = "under_way"


@dataclass(frozen=True)
class Stay:
    """A patient's stay at another site; without `until_on` the patient moves there for good."""

    patient_id: UUID
    guest_id: UUID
    site_id: str
    zone: str
    from_on: date
    until_on: date | None
    status: StayStatus = StayStatus.REQUESTED

    def over(self, on: date) -> bool:
        """Whether the stay has begun and its last day has passed."""
        return self.status is StayStatus.UNDER_WAY and self.until_on is not None and on > self.until_on


@dataclass(frozen=True)
class Tenure:
    """From which date on a site has held the authority."""

    site_id: str
    since_on: date


@dataclass(frozen=True)
class Authority:
    """Who may dose; `epoch` counts the moves, `stay` is the one that is asked for or under way."""

    home_site_id: str | None = None
    site_id: str | None = None
    epoch: int = 0
    stay: Stay | None = None
    tenures: tuple[Tenure, ...] = ()

    def holder(self, home_site_id: str, on: date) -> str:
        """The site that may dose on `on`; before anything was dosed the order's home site."""
        if self.site_id is None or self.home_site_id is None:
            return home_site_id
        return self.home_site_id if self.stay is not None and self.stay.over(on) else self.site_id

    def held_on(self, on: date) -> str | None:
        """The site that held it on the whole of an earlier date, None on days on which it moved and since the last move."""
        for tenure, following in zip(self.tenures, self.tenures[1:], strict=False):
            if tenure.since_on < on < following.since_on:
                return tenure.site_id
        return None

    @property
    def parties(self) -> tuple[str, str]:
        """The home site, and the site that holds the authority. Raises NothingEstablished."""
        if self.home_site_id is None or self.site_id is None:
            raise NothingEstablished
        return self.home_site_id, self.site_id
