"""Who may dose whom, as it is read: the authority, a site's guests, and where glass was broken or a slot dosed twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, assert_never
from uuid import UUID, uuid5

from shared.event import AnyRecorded
from shared.events.medication import (
    AuthorityEstablished,
    AuthorityEvent,
    AuthorityHandedOver,
    AuthorityReturned,
    DoseConflictFound,
    DoseConflictSettled,
    GlassBroken,
    GuestDosingApproved,
    GuestDosingDeclined,
    GuestDosingRequested,
)
from shared.http import Page, QueryDoor
from shared.projector import Write

RETURN_TIMER: Final = "guest-return"


class GuestStatus(StrEnum):
    """How far a stay has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    UNDER_WAY = "under_way"
    ENDED = "ended"
    MOVED = "moved"


@dataclass(frozen=True)
class GuestLine:
    """One stay. `asked_site_id` held the authority when it was asked for."""

    guest_id: UUID
    patient_id: UUID
    order_id: UUID
    guest_site_id: str
    asked_site_id: str
    from_on: date
    until_on: date | None
    status: GuestStatus
    requested_by: str
    requested_at: datetime
    answered_by: str | None
    last_dose_mg: Decimal | None
    last_dose_on: date | None
    take_homes_held: int | None
    epoch: int | None
    ended_on: date | None
    end_reason: str | None
    degraded_since: datetime | None


class ConflictKind(StrEnum):
    """A dose under broken glass, or a second dose in a slot."""

    GLASS_BROKEN = "glass_broken"
    DOSED_TWICE = "dosed_twice"


@dataclass(frozen=True)
class ConflictLine:
    """One thing that two sites have to look at; a slot dosed twice waits until a prescriber has settled it."""

    event_id: UUID
    kind: ConflictKind
    patient_id: UUID
    order_id: UUID
    dose_id: UUID
    dosing_on: date
    given_site_id: str
    other_site_id: str
    dose_mg: Decimal | None
    given_at: datetime | None
    other_given_at: datetime | None
    physician: str
    recorded_at: datetime
    settled_by: str | None
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of the authority changes the rows."""
    event: AuthorityEvent = recorded.data
    match event:
        case AuthorityEstablished():
            sql = "insert into view.dosing_authority (patient_id, site_id, home_site_id, epoch) values ($1, $2, $2, $3)"
            return [Write(sql, (event.patient_id, event.site_id, event.epoch))]
        case GuestDosingRequested():
            return requested(recorded, event)
        case GuestDosingApproved():
            told = (event.last_dose_mg, event.last_dose_on, event.take_homes_held)
            sql = """update view.guest_stay set status = 'approved', answered_by = $2, last_dose_mg = $3, last_dose_on = $4,
                         take_homes_held = $5 where guest_id = $1"""
            return [Write(sql, (event.guest_id, event.approved_by, *told))]
        case GuestDosingDeclined():
            sql = "update view.guest_stay set status = 'declined', answered_by = $2 where guest_id = $1"
            return [Write(sql, (event.guest_id, event.declined_by))]
        case AuthorityHandedOver() | AuthorityReturned():
            return moved(recorded, event)
        case GlassBroken():
            told_of = (event.patient_id, event.order_id, event.dose_id, event.dosing_on)
            sites = (event.site_id, event.holder_site_id)
            return conflict(recorded, ConflictKind.GLASS_BROKEN, told_of, sites, (None, None, None, event.physician))
        case _:
            assert_never(event)


def requested(recorded: AnyRecorded, event: GuestDosingRequested) -> Sequence[Write]:
    """A row at either site."""
    sql = """insert into view.guest_stay (guest_id, site_id, patient_id, order_id, guest_site_id, asked_site_id, from_on,
                 until_on, status, requested_by, requested_at)
             select $1::uuid, place, $2::uuid, $3::uuid, $4, $5, $6::date, $7::date, 'requested', $8, $9::timestamptz
             from unnest(array[$4, $5]::text[]) as place"""
    stay = (event.guest_id, event.patient_id, event.order_id, event.site_id, event.home_site_id)
    return [Write(sql, (*stay, event.from_on, event.until_on, event.requested_by, recorded.recorded_at))]


def moved(recorded: AnyRecorded, event: AuthorityHandedOver | AuthorityReturned) -> Sequence[Write]:
    """The authority is elsewhere; a stay with an end gets its timer."""
    if isinstance(event, AuthorityReturned):
        return [
            Write(
                "update view.dosing_authority set site_id = $2, epoch = $3, guest_id = null, until_on = null where patient_id = $1",
                (event.patient_id, event.to_site_id, event.epoch),
            ),
            Write(
                "update view.guest_stay set status = 'ended', ended_on = $2, end_reason = $3, epoch = $4 where guest_id = $1",
                (event.guest_id, event.on, event.reason.value, event.epoch),
            ),
        ]
    for_good = event.until_on is None
    found = [
        Write(
            """update view.dosing_authority set site_id = $2, epoch = $3, guest_id = $4, until_on = $5,
                   home_site_id = case when $5::date is null then $2 else home_site_id end
               where patient_id = $1""",
            (event.patient_id, event.to_site_id, event.epoch, None if for_good else event.guest_id, event.until_on),
        ),
        Write(
            "update view.guest_stay set status = $2, epoch = $3 where guest_id = $1",
            (event.guest_id, "moved" if for_good else "under_way", event.epoch),
        ),
    ]
    return [*found, *timer(recorded, event)]


def timer(recorded: AnyRecorded, event: AuthorityHandedOver) -> Sequence[Write]:
    """The stay ends by itself."""
    if event.return_at is None or event.until_on is None:
        return []
    payload = {
        "patient_id": str(event.patient_id),
        "guest_id": str(event.guest_id),
        "epoch": event.epoch,
        "until_on": event.until_on.isoformat(),
    }
    return [
        Write(
            """insert into timer.due_item (id, kind, due_at, site_id, payload) values ($1, $2, $3, $4, $5)
               on conflict (id) do nothing""",
            (uuid5(recorded.event_id, RETURN_TIMER), RETURN_TIMER, event.return_at, event.from_site_id, payload),
        )
    ]


def conflict(
    recorded: AnyRecorded, kind: ConflictKind, told_of: tuple[Any, ...], sites: tuple[str, str], dose: tuple[Any, ...]
) -> Sequence[Write]:
    """A row at either site."""
    sql = """insert into view.dose_conflict (event_id, site_id, kind, patient_id, order_id, dose_id, dosing_on, given_site_id,
                 other_site_id, dose_mg, given_at, other_given_at, physician, recorded_at)
             select distinct $1::uuid, place, $2, $3::uuid, $4::uuid, $5::uuid, $6::date, $7, $8, $9::numeric, $10::timestamptz,
                 $11::timestamptz, $12, $13::timestamptz
             from unnest(array[$7, $8]::text[]) as place"""
    return [Write(sql, (recorded.event_id, kind.value, *told_of, *sites, *dose, recorded.recorded_at))]


def dose_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """A second dose in a slot, and what a prescriber made of it."""
    event = recorded.data
    if isinstance(event, DoseConflictSettled):
        sql = "update view.dose_conflict set settled_by = $2 where dose_id = $1 and kind = 'dosed_twice' and settled_by is null"
        return [Write(sql, (UUID(recorded.subject_id), event.settled_by))]
    if not isinstance(event, DoseConflictFound):
        return []
    told_of = (event.patient_id, event.order_id, UUID(recorded.subject_id), event.dosing_on)
    dose = (event.dose_mg, event.given_at, event.other_given_at, event.physician)
    return conflict(recorded, ConflictKind.DOSED_TWICE, told_of, (event.site_id, event.other_site_id), dose)


_GUEST: Final = """guest_id, patient_id, order_id, guest_site_id, asked_site_id, from_on, until_on, status, requested_by,
    requested_at, answered_by, last_dose_mg, last_dose_on, take_homes_held, epoch, ended_on, end_reason,
    projection.degraded_since(patient_id::text) as degraded_since"""
_CONFLICT: Final = """event_id, kind, patient_id, order_id, dose_id, dosing_on, given_site_id, other_site_id, dose_mg, given_at,
    other_given_at, physician, recorded_at, settled_by,
    projection.degraded_since(patient_id::text) as degraded_since"""


async def guests(door: QueryDoor, site_id: str, status: GuestStatus | None) -> Page[GuestLine]:
    """The stays that a site asked for or is asked about, oldest request first."""
    page = await door.page(
        f"select {_GUEST} from view.guest_stay where site_id = $1 and ($2::text is null or status = $2)",  # noqa: S608 - columns are ours
        site_id,
        status and status.value,
        key=("requested_at", "guest_id"),
    )
    return Page([GuestLine(**row | {"status": GuestStatus(row["status"])}) for row in page.items], page.next)


async def conflicts(door: QueryDoor, site_id: str, *, unsettled: bool | None) -> Page[ConflictLine]:
    """What two sites have to look at, oldest first."""
    page = await door.page(
        f"""select {_CONFLICT} from view.dose_conflict
            where site_id = $1 and ($2::boolean is null or (kind = 'dosed_twice' and settled_by is null) = $2)""",  # noqa: S608 - columns are ours
        site_id,
        unsettled,
        key=("recorded_at", "event_id"),
    )
    return Page([ConflictLine(**row | {"kind": ConflictKind(row["kind"])}) for row in page.items], page.next)
