"""A network of three sites with wrong clocks, cut links, crashes and retries, that doses one patient on two orders."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.medication import authority, care, dose, history
from services.medication import order as orders
from services.medication.dosing import Slot, taken, uncounted
from services.medication.dosing_slot import BrokenGlass, Place, slot_id
from services.medication.guest import AcceptGuest, ApproveGuest, RequestGuest
from services.medication.window_policies import window_policies
from shared.events.medication import DoseAdministered, VoidReason
from shared.failures import Failure
from shared.log import Act, Given, Subject
from tests.medication.ledger import Ledger, Outdated, Prepared
from tests.medication.situations import DRAFTED, MONDAY, ORDER, PATIENT, SIGNED

SITES: Final = ("riverside", "hilltop", "lakeside")
SECOND_ORDER: Final = UUID(int=70)
SPLITS_MG: Final = {ORDER: (Decimal(12), Decimal(4)), SECOND_ORDER: (Decimal(24),)}
ORDERS: Final = tuple(SPLITS_MG)
SUBSTANCE: Final = "buprenorphine"
PAPER_MG: Final = Decimal(4)
HISTORY: Final = history.history_id(PATIENT, SUBSTANCE)


@dataclass(frozen=True)
class Step:
    """One thing that happens: which client of which site does what; the rest as the kind needs it."""

    kind: str
    client: int = 0
    order: int = 0
    split: int = 1
    days: int = 0
    dose_mg: Decimal = Decimal(4)


type SlotOf = Callable[[int, Place], UUID]


def true_slot(_site: int, place: Place) -> UUID:
    """The slot as it is."""
    return slot_id(PATIENT, place.order_id, place.dosing_on, place.split)


def slot_per_site(site: int, place: Place) -> UUID:
    """The mutant: each site has slots of its own."""
    return UUID(int=true_slot(site, place).int ^ site)


@dataclass
class Network:
    """The sites, and what really went into the patient; `guards` are the mutants' switches."""

    slot_of: SlotOf = true_slot
    interlock: bool = True
    one_order: bool = True
    ledger: Ledger = field(default_factory=Ledger)
    today: date = MONDAY
    cut: set[int] = field(default_factory=set)
    skew_days: list[int] = field(default_factory=lambda: [0, 0, 0])
    waiting: dict[int, Prepared] = field(default_factory=dict)
    sent: dict[int, tuple[str, list[Act]]] = field(default_factory=dict)
    paper: list[tuple[int, Slot, datetime]] = field(default_factory=list)
    swallowed_mg: Decimal = Decimal(0)
    number: int = 0

    def __post_init__(self) -> None:
        """Two orders of one substance, both in force: the home site changed the order and forgot the old one."""
        for order_id, parts in SPLITS_MG.items():
            drafted = replace(DRAFTED, split_doses_mg=parts, dose_mg=sum(parts, Decimal(0)))
            self.ledger.streams[orders.decider.stream(order_id)] = [drafted, SIGNED]

    def clock(self, site: int) -> date:
        """The date that the site believes in."""
        return self.today + timedelta(days=self.skew_days[site])

    def slot(self, site: int, step: Step, on: date | None = None) -> Slot:
        """As the route makes it."""
        order_id, on = ORDERS[step.order], on or self.clock(site)
        place = Place(order_id, on, step.split, on)
        given = [Given(orders.decider, order_id), Given(care.decider, PATIENT)]
        if self.interlock:
            given.append(Given(authority.decider, PATIENT))
        prescription = orders.prescribed(self.ledger.state(orders.decider, order_id))
        return Slot(self.slot_of(site, place), place, prescription, None, tuple(given))

    def dose(self, site: int, step: Step, slot: Slot, glass: BrokenGlass | None = None) -> list[Act]:
        """One dose's transaction."""
        at = datetime.combine(slot.place.on, time(14), UTC)
        home = SITES[site] if self.interlock else SITES[0]
        given = dose.AdministerDose(slot.place, step.dose_mg, at, f"nurse-{site}", home, glass, late=glass is not None)
        acts = list(taken(slot, given, at))
        if not self.one_order:
            acts = [one for one in acts if one.decider is not history.decider]
        if glass is not None:
            where = (PATIENT, slot.place.order_id, slot.dose_id, SITES[0], SITES[site])
            broken = authority.BreakGlass(*where, slot.place.dosing_on, slot.place.on, glass.physician, glass.reason)
            acts.append(Act(authority.decider, PATIENT, broken, Subject(PATIENT)))
        return acts

    def take(self, step: Step) -> None:
        """One step. Refusals are answers; what cannot be reached does not happen."""
        site = step.client % len(SITES)
        handler = getattr(self, f"_{step.kind}", None)
        if handler is not None:
            handler(site, step)
        elif site not in self.cut and step.client not in self.waiting:
            self._begin(step.client, self._acts(site, step))

    def _begin(self, client: int, acts: Sequence[Act]) -> None:
        self.number += 1
        self.sent[client] = (f"key-{self.number}", list(acts))
        self._decide(client)

    def _decide(self, client: int) -> None:
        """A refusal is an answer: the request is over."""
        try:
            self.waiting[client] = self.ledger.prepare(*self.sent[client])
        except Failure:
            del self.sent[client]

    def _acts(self, site: int, step: Step) -> list[Act]:
        """The acts of a command, as the routes make them."""
        state = self.ledger.state(authority.decider, PATIENT)
        stay = state.stay.guest_id if state.stay else UUID(int=0)
        on = self.clock(site)
        if step.kind in {"give", "give_again"}:
            return self.dose(site, step, self.slot(site, step))
        if step.kind == "void":
            return self._void(site, step)
        if step.kind == "allow":
            allow = history.AllowSecondOrder(PATIENT, SUBSTANCE, ORDERS[step.order], on, "prescriber-1", "-")
            return [Act(history.decider, HISTORY, allow, Subject(PATIENT))]
        ask = RequestGuest(
            patient_id=PATIENT,
            guest_id=UUID(int=1000 + self.number),
            order_id=ORDER,
            site_id=SITES[site],
            home_site_id=SITES[0],
            zone="UTC",
            from_on=on,
            until_on=on + timedelta(days=step.days) if step.days else None,
            asked_on=on,
            requested_by="-",
            reason="-",
            policy=window_policies().guest,
        )
        commands: dict[str, authority.Command] = {
            "ask": ask,
            "approve": ApproveGuest(stay, SITES[site], "-", None, None, 0, None),
            "accept": AcceptGuest(stay, SITES[site], on, None),
            "back": authority.ReturnAuthority(stay, on, SITES[site]),
            "timer": authority.ReturnAuthority(stay, on, epoch=state.epoch),
        }
        return [Act(authority.decider, PATIENT, commands[step.kind], Subject(PATIENT))]

    def _void(self, site: int, step: Step) -> list[Act]:
        dose_id = self.slot(site, step).dose_id
        given = self.ledger.state(dose.decider, dose_id).administered
        nurse = f"nurse-{site}"
        asked = [Act(dose.decider, dose_id, dose.RequestVoid(VoidReason.ENTERED_IN_ERROR, nurse, None))]
        confirmed = [Act(dose.decider, dose_id, dose.ConfirmVoid("nurse-9"))]
        return [*asked, *confirmed, *([uncounted(given, dose_id)] if given else [])]

    def _commit(self, site: int, step: Step) -> None:
        """The append arrives; a request that lost its race is decided again, as the kernel does."""
        prepared = self.waiting.pop(step.client, None)
        if prepared is None or site in self.cut:
            return
        try:
            self.ledger.append(prepared)
        except Outdated:
            self._decide(step.client)
        else:
            self._swallow(prepared)
            if not step.days % 2:  # else the answer is lost, and the caller will try again
                del self.sent[step.client]

    def _retry(self, site: int, step: Step) -> None:
        """The caller got no answer and sends the same again, with the same key."""
        if site not in self.cut and step.client in self.sent and step.client not in self.waiting:
            self._decide(step.client)

    def _crash(self, _site: int, step: Step) -> None:
        """The process dies with a request in its hands; the caller may try again."""
        self.waiting.pop(step.client, None)

    def _swallow(self, prepared: Prepared) -> None:
        """What is stored as given is given, what is voided never was."""
        for _, event in prepared.events:
            if isinstance(event, DoseAdministered):
                self.swallowed_mg += event.dose_mg
            elif type(event).__name__ == "DoseVoided":
                self.swallowed_mg -= event.dose_mg

    def _cut(self, site: int, _step: Step) -> None:
        """The site hears nothing and is not heard; what it had sent is lost on the way."""
        self.cut.add(site)
        for client in [one for one in self.waiting if one % len(SITES) == site]:
            del self.waiting[client]

    def _paper(self, site: int, _step: Step) -> None:
        """Cut off, a physician has 4 mg given on paper."""
        if site in self.cut:
            self.swallowed_mg += PAPER_MG
            self.number += 1
            at = datetime.combine(self.today, time(12), UTC) + timedelta(seconds=self.number)
            self.paper.append((site, self.slot(site, Step("paper"), self.today), at))

    def _visit(self, site: int, step: Step) -> None:
        """A stay asked for and approved at once; the guest site's acceptance is still on its way."""
        clients = (step.client, self.holder, step.client)
        for kind, client in zip(("ask", "approve", "accept"), clients, strict=True):
            self.waiting.pop(client, None)
            self.take(replace(step, kind=kind, client=client))
            if kind != "accept":
                self.take(Step("commit", client=client))

    @property
    def holder(self) -> int:
        """Which site holds the authority."""
        return SITES.index(self.ledger.state(authority.decider, PATIENT).holder(SITES[0], self.today))

    def _day(self, _site: int, _step: Step) -> None:
        self.today += timedelta(days=1)

    def _skew(self, site: int, step: Step) -> None:
        self.skew_days[site] = step.days % 3 - 1

    def _heal(self, site: int, _step: Step) -> None:
        """The link is back: what was given on paper is entered with its own time, in the physician's name."""
        self.cut.discard(site)
        mine = [one for one in self.paper if one[0] == site]
        self.paper = [one for one in self.paper if one[0] != site]
        for _, slot, at in mine:
            self.enter(site, slot, at)

    def enter(self, site: int, slot: Slot, at: datetime) -> None:
        """A paper dose of 4 mg; if the slot holds a dose, both stand in the conflict report."""
        self.number += 1
        glass = BrokenGlass("prescriber-2", "links cut")
        acts = [
            replace(one, command=replace(one.command, given_at=at))
            if isinstance(one.command, dose.AdministerDose)
            else one
            for one in self.dose(site, Step("paper", dose_mg=PAPER_MG), slot, glass)
        ]
        self.ledger.append(self.ledger.prepare(f"paper-{self.number}", acts))


def standing(network: Network) -> list[tuple[DoseAdministered, str]]:
    """The doses that nobody voided, by counting, with their streams."""
    found: dict[str, list[DoseAdministered]] = defaultdict(list)
    for stream, event in network.ledger.of("dose"):
        if isinstance(event, DoseAdministered):
            found[stream].append(event)
        elif type(event).__name__ == "DoseVoided":
            found[stream].pop()
    return [(one, stream) for stream, doses in found.items() for one in doses]


def given_twice(network: Network) -> list[Any]:
    """The doses that stand in the conflict report."""
    return [event for _, event in network.ledger.of("dose") if type(event).__name__ == "DoseConflictFound"]
