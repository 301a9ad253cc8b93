"""Histories of one patient as medication's log would hold them, made by the deciders themselves."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from services.medication import dose as doses
from services.medication import order as orders
from services.medication import taper as tapers
from services.medication.dose import AdministerDose, ConfirmVoid, MissDose, RefuseDose, RequestVoid
from services.medication.dosing_slot import Place, slot_id
from services.medication.order import PutOnTaper
from services.medication.taper import ReopenStep, TakeStep
from services.medication.taper_course import Taper
from services.medication.taper_schedule import apply
from services.medication.taper_start import StartTaper
from shared.decider import Decider
from shared.event import AnyRecorded, Recorded
from shared.events.medication import RefusalReason, VoidReason
from shared.failures import Failure
from tests.medication.situations import DRAFT, FILM, MONDAY, NINE_O_CLOCK, ORDER, PATIENT, SIGN, TAPER

NAMESPACE = UUID("00000000-0000-7000-8000-0000000000ff")
START_AT = datetime(2025, 3, 3, 9, tzinfo=UTC)


@dataclass
class Chart:
    """One patient's part of the log. `tell` appends what the deciders answer, or nothing when they refuse."""

    events: list[AnyRecorded] = field(default_factory=list)
    today: date = MONDAY

    def story(self, stream: str) -> list[AnyRecorded]:
        return [one for one in self.events if one.stream == stream]

    def state(self, decider: Decider[Any], stream_id: UUID) -> Any:
        return decider.fold([one.data for one in self.story(decider.stream(stream_id))])

    def write(self, stream: str, data: Any, corrects: UUID | None = None) -> AnyRecorded:
        position = len(self.events) + 1
        at = START_AT + timedelta(minutes=position)
        event: AnyRecorded = Recorded(
            service="medication",
            lane=3,
            position=position,
            stream=stream,
            version=len(self.story(stream)) + 1,
            event_id=uuid5(NAMESPACE, str(position)),
            type=type(data).__name__,
            schema_version=1,
            site_id="riverside",
            patient_id=PATIENT,
            effective_at=at,
            recorded_at=at,
            corrects=corrects,
            actor="nurse-kim",
            correlation_id=NAMESPACE,
            causation_id=None,
            traceparent=None,
            data=data,
        )
        self.events.append(event)
        return event

    def tell(self, decider: Decider[Any], stream_id: UUID, command: object, *given: object) -> bool:
        try:
            made = decider.decide(self.state(decider, stream_id), command, *given)
        except Failure:
            return False
        for one in made:
            self.write(decider.stream(stream_id), one)
        return True

    def order(self, order_id: UUID = ORDER) -> None:
        assert self.tell(orders.decider, order_id, DRAFT)
        assert self.tell(orders.decider, order_id, SIGN)

    def start(self, steps: Any, taper_id: UUID = TAPER, order_id: UUID = ORDER) -> bool:
        order = self.state(orders.decider, order_id)
        earlier: Taper | None = self.state(tapers.decider, order.taper_id) if order.taper_id else None
        command = StartTaper(taper_id, order_id, FILM, steps[-1].dose_mg, tuple(steps), self.today)
        started = self.tell(tapers.decider, taper_id, command, order, earlier)
        return started and self.tell(orders.decider, order_id, PutOnTaper(taper_id))

    def dose(self, on: date, share: Decimal = Decimal(1), what: str = "give", order_id: UUID = ORDER) -> bool:
        """Give the ordered dose or a share of it, or write down that it was refused or missed."""
        order = self.state(orders.decider, order_id)
        taper: Taper | None = self.state(tapers.decider, order.taper_id) if order.taper_id else None
        slot = slot_id(PATIENT, order_id, on, 1)
        place = Place(order_id, on, 1, on)
        ordered_mg = taper.dose_on(on) if taper else Decimal(16)
        command: object = AdministerDose(place, ordered_mg * share, NINE_O_CLOCK, "nurse-kim", "riverside")
        if what == "refuse":
            command = RefuseDose(place, RefusalReason.NOT_SAID, None)
        elif what == "miss":
            command = MissDose(place)
        done = self.tell(doses.decider, slot, command, order, None, taper)
        if done and what == "give" and order.taper_id:
            self.tell(tapers.decider, order.taper_id, TakeStep(slot, on))
        return done

    def void(self, on: date, order_id: UUID = ORDER) -> bool:
        """Two nurses void the dose of a date."""
        slot = slot_id(PATIENT, order_id, on, 1)
        order = self.state(orders.decider, order_id)
        self.tell(doses.decider, slot, RequestVoid(VoidReason.ENTERED_IN_ERROR, "nurse-kim", None))
        done = self.tell(doses.decider, slot, ConfirmVoid("nurse-lee"))
        if done and order.taper_id:
            self.tell(tapers.decider, order.taper_id, ReopenStep(slot), order)
        return done


def folded(events: Iterable[AnyRecorded]) -> dict[str, Any]:
    """The facts after these events, each step through JSON as in the table."""
    facts: dict[str, Any] = {}
    for one in events:
        before = json.dumps(facts)
        after = apply(facts, one)
        assert json.dumps(facts) == before, "a fold must not change what it is given"
        facts = json.loads(json.dumps(after))
    return facts
