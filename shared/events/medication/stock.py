"""What is written down about the stock of one product at one site: bottles, doses poured from them, waste, counts, transfers.

Amounts are milligrams of the product's first ingredient, exact to a thousandth. Bottles are named by id, people by their account;
no event names a patient: a pour names the dosing slot (`dose_id`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.units import Code, SiteId


class StockSource(StrEnum):
    """Where a bottle came from. `initial_inventory` is what was there when the book was begun (21 CFR 1304.11)."""

    SUPPLIER = "supplier"
    INITIAL_INVENTORY = "initial_inventory"
    TRANSFER = "transfer"


class WasteReason(StrEnum):
    """Why medicine was thrown away."""

    SPILLED = "spilled"
    REFUSED_AFTER_POURING = "refused_after_pouring"
    RESIDUE = "residue"
    CONTAMINATED = "contaminated"
    EXPIRED = "expired"
    DESTROYED = "destroyed"


class DiscrepancyKind(StrEnum):
    """Where book and counted amount parted."""

    RECEIPT = "receipt"
    TRANSFER = "transfer"
    COUNT = "count"


class Finding(StrEnum):
    """What two people found behind a discrepancy. `theft_or_loss` is reported to the DEA (form 106)."""

    MISCOUNTED = "miscounted"
    MEASURING_LOSS = "measuring_loss"
    SPILL_NOT_RECORDED = "spill_not_recorded"
    DOSE_NOT_RECORDED = "dose_not_recorded"
    THEFT_OR_LOSS = "theft_or_loss"


@dataclass(frozen=True)
class Pour:
    """What one bottle gave to a dose."""

    bottle_id: UUID
    lot: Code
    strength_mg: Decimal
    amount_mg: Decimal


@event()
class BottleReceived:
    """A bottle was counted on arrival and is on hand, closed.

    `amount_mg` is what was counted, `stated_mg` what the papers say; the book takes what was counted. `unit_mg` is one
    whole unit (a tablet, a film; of a liquid what can be measured), `piece_mg` the smallest amount that can be taken. `document` is the invoice or order form (21 CFR 1301.74(h), DEA 222).
    """

    site_id: SiteId
    product_id: Code
    medicine: Code
    bottle_id: UUID
    strength_mg: Decimal
    unit_mg: Decimal
    piece_mg: Decimal
    lot: Code
    expires_on: date
    amount_mg: Decimal
    stated_mg: Decimal
    source: StockSource
    document: str
    received_by: str
    transfer_id: UUID | None = None
    from_site_id: str | None = None


@event()
class BottleOpened:
    """From now on doses are poured from it, after those that were opened earlier."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    opened_by: str


@event()
class DosePoured:
    """A dose left the bottles, in the transaction that recorded it. `poured_on` is the date at the order's home site."""

    site_id: SiteId
    product_id: Code
    medicine: Code
    pour_id: UUID
    dose_id: UUID
    amount_mg: Decimal
    parts: tuple[Pour, ...]
    poured_by: str
    poured_on: date
    poured_at: datetime


@event()
class PourPutBack:
    """The dose never was, so nothing had left the bottles; the void's policy says that the book is put right."""

    site_id: SiteId
    product_id: Code
    pour_id: UUID
    dose_id: UUID
    parts: tuple[Pour, ...]
    reason: str
    policy_id: Code
    policy_version: int


@event()
class PourLeftOut:
    """The dose was voided, but what was poured for it stays out of the book until a count; two people look for it."""

    site_id: SiteId
    product_id: Code
    pour_id: UUID
    dose_id: UUID
    amount_mg: Decimal
    reason: str
    policy_id: Code
    policy_version: int


@event()
class MedicineWasted:
    """Medicine was thrown away; `witnesses_needed` other people have yet to sign that they saw it."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    waste_id: UUID
    amount_mg: Decimal
    reason: WasteReason
    wasted_by: str
    witnesses_needed: int
    policy_id: Code
    policy_version: int
    note: Personal[str | None]


@event()
class WasteWitnessed:
    """Another person signs that they saw it thrown away."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    waste_id: UUID
    witness: str
    witnesses_left: int


@event()
class BottleCounted:
    """Somebody counted without being told what the book says; it says the same."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    counted_mg: Decimal
    counted_by: str


@event()
class DiscrepancyFound:
    """What was found is not what was expected; two people settle it. `alarm` says that it is above the policy's limits."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    kind: DiscrepancyKind
    expected_mg: Decimal
    found_mg: Decimal
    found_by: str
    alarm: bool
    policy_id: Code
    policy_version: int


@event()
class DiscrepancySettled:
    """A second person looked. `adjusted_mg` is what the book was put right by: found less expected, or nothing."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    finding: Finding
    adjusted_mg: Decimal
    settled_by: str
    note: Personal[str | None]


@event()
class BottleSent:
    """A closed bottle is on its way to another site of the network; until it arrives it is in transit."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    transfer_id: UUID
    to_site_id: SiteId
    amount_mg: Decimal
    document: str
    sent_by: str


@event()
class BottleArrived:
    """The other site has taken the bottle over; it is out of this site's book."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    transfer_id: UUID
    to_site_id: SiteId
    amount_mg: Decimal
    received_by: str


@event()
class BottleCalledBack:
    """The bottle did not go, or came back unreceived; it is on hand again."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    transfer_id: UUID
    amount_mg: Decimal
    called_back_by: str


@event()
class BottleReturned:
    """What the bottle held went to the supplier or to a reverse distributor (21 CFR 1317)."""

    site_id: SiteId
    product_id: Code
    bottle_id: UUID
    amount_mg: Decimal
    returned_to: str
    document: str
    returned_by: str


type StockEvent = (
    BottleReceived
    | BottleOpened
    | DosePoured
    | PourPutBack
    | PourLeftOut
    | MedicineWasted
    | WasteWitnessed
    | BottleCounted
    | DiscrepancyFound
    | DiscrepancySettled
    | BottleSent
    | BottleArrived
    | BottleCalledBack
    | BottleReturned
)
