"""The report of a period, made by replaying what happened: what was there, what came, what went, what is there (facts 5.7).

It reads the events' own words and keeps its own sums, apart from the stock that decides and from the tables that are shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

type Words = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """One event of a stock: what it says, and when it was true."""

    type: str
    at: datetime
    data: Words


@dataclass(frozen=True)
class Batch:
    """What is reported together: one lot of one strength of one product."""

    product_id: str
    strength_mg: Decimal
    lot: str


@dataclass(frozen=True)
class ReportLine:
    """The mass balance of one lot, in mg: opening and what came in is what went out and closing.

    `adjusted_mg` is what two people put the book right by; `in_transit_mg` is on its way at the end, and no longer on hand.
    """

    product_id: str
    strength_mg: Decimal
    lot: str
    opening_mg: Decimal
    received_mg: Decimal
    initial_inventory_mg: Decimal
    transferred_in_mg: Decimal
    called_back_mg: Decimal
    put_back_mg: Decimal
    adjusted_mg: Decimal
    poured_mg: Decimal
    wasted_mg: Decimal
    transferred_out_mg: Decimal
    returned_mg: Decimal
    closing_mg: Decimal
    in_transit_mg: Decimal


COLUMNS = tuple(one.name for one in fields(ReportLine))

_RECEIVED = {"supplier": "received", "initial_inventory": "initial_inventory", "transfer": "transferred_in"}
_OUT = frozenset({"poured", "wasted", "transferred_out", "returned"})


@dataclass
class Sums:
    """What happened to one lot before the period, in it, and what is on its way at its end."""

    opening: Decimal = Decimal(0)
    moved: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    in_transit: Decimal = Decimal(0)

    def line(self, batch: Batch) -> ReportLine:
        """As it is reported; what goes out is a positive amount in its own column."""
        moved: dict[str, Any] = {
            f"{name}_mg": self.moved[name]
            for name in (*_RECEIVED.values(), *_OUT, "called_back", "put_back", "adjusted")
        }
        closing = self.opening + sum(-one if name in _OUT else one for name, one in self.moved.items())
        about = (batch.product_id, batch.strength_mg, batch.lot)
        return ReportLine(*about, opening_mg=self.opening, closing_mg=closing, in_transit_mg=self.in_transit, **moved)


@dataclass
class Report:
    """Adds up the events of one site one after the other, `since` up to and without `until`."""

    since: datetime
    until: datetime
    sums: dict[Batch, Sums] = field(default_factory=lambda: defaultdict(Sums))
    bottles: dict[str, Batch] = field(default_factory=dict)

    def add(self, events: Iterable[Told]) -> None:
        """In the order in which they were stored; a dose that was entered late belongs to the day on which it was given."""
        for one in events:
            if one.type == "BottleReceived":
                batch = Batch(one.data["product_id"], Decimal(one.data["strength_mg"]), one.data["lot"])
                self.bottles[one.data["bottle_id"]] = batch
            for bottle_id, kind, amount_mg in moves(one):
                self._add(self.bottles[bottle_id], kind, amount_mg, one.at)

    def _add(self, batch: Batch, kind: str, amount_mg: Decimal, at: datetime) -> None:
        sums = self.sums[batch]
        if at >= self.until:
            return
        if kind == "arrived":
            sums.in_transit -= amount_mg
            return
        sums.in_transit += {"transferred_out": amount_mg, "called_back": -amount_mg}.get(kind, Decimal(0))
        if at < self.since:
            sums.opening += -amount_mg if kind in _OUT else amount_mg
        else:
            sums.moved[kind] += amount_mg

    def lines(self) -> list[ReportLine]:
        """Every lot that was there or moved, by product, strength and lot."""
        made = [sums.line(batch) for batch, sums in self.sums.items()]
        told = [one for one in made if any(getattr(one, name) for name in COLUMNS[3:])]
        return sorted(told, key=lambda one: (one.product_id, one.strength_mg, one.lot))


def moves(told: Told) -> Sequence[tuple[str, str, Decimal]]:
    """Which bottle, which column, how much."""
    data = told.data
    match told.type:
        case "BottleReceived":
            return [(data["bottle_id"], _RECEIVED[data["source"]], Decimal(data["amount_mg"]))]
        case "DosePoured" | "PourPutBack":
            kind = "poured" if told.type == "DosePoured" else "put_back"
            return [(one["bottle_id"], kind, Decimal(one["amount_mg"])) for one in data["parts"]]
        case "DiscrepancySettled":
            return [(data["bottle_id"], "adjusted", Decimal(data["adjusted_mg"]))]
        case kind if kind in _PLAIN:
            return [(data["bottle_id"], _PLAIN[kind], Decimal(data["amount_mg"]))]
        case _:
            return []


_PLAIN = {
    "MedicineWasted": "wasted",
    "BottleSent": "transferred_out",
    "BottleCalledBack": "called_back",
    "BottleArrived": "arrived",
    "BottleReturned": "returned",
}
