"""The `eventsourcing` library with PostgreSQL in its safe default, behind FastAPI as its documentation shows."""

from decimal import Decimal
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from fastapi import FastAPI
from pydantic import BaseModel


class Taper(Aggregate):
    """A taper as the library would have it."""

    @event("Started")
    def __init__(self, taper_id: UUID) -> None:
        """Start at no dose."""
        self.taper_id = taper_id
        self.dose_mg = Decimal(0)

    @staticmethod
    def create_id(taper_id: UUID) -> UUID:
        """The client chooses the id."""
        return taper_id

    @event("DoseReduced")
    def reduce_dose(self, dose_mg: Decimal) -> None:
        """Lower the dose."""
        self.dose_mg = dose_mg


tapers: Application[UUID] = Application()
app = FastAPI()


class ReduceDose(BaseModel):
    """The command of the comparison."""

    dose_mg: Decimal


@app.post("/tapers/{taper_id}/dose-reductions", status_code=201)
def reduce_dose(taper_id: UUID, body: ReduceDose) -> dict[str, int]:
    """Load the aggregate, trigger the event, save."""
    try:
        taper: Taper = tapers.repository.get(taper_id)
    except AggregateNotFoundError:
        taper = Taper(taper_id)
    taper.reduce_dose(body.dose_mg)
    tapers.save(taper)
    return {"version": taper.version}
