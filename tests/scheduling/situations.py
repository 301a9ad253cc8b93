"""Situations that the tests of scheduling begin in, each named for what a clinic would call it."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from services.scheduling.catalogue import catalogue
from services.scheduling.participant import Participant
from services.scheduling.participant import decider as participants
from services.scheduling.room import Room
from services.scheduling.room import decider as rooms
from services.scheduling.setting import Setting
from services.scheduling.site import Site
from services.scheduling.site import decider as sites
from services.scheduling.slot import Slot
from services.scheduling.staff import StaffMember
from services.scheduling.staff import decider as staff
from shared.events.scheduling import (
    CareBegan,
    Modality,
    OpeningHours,
    ParticipantMet,
    Place,
    PlanTookEffect,
    Profession,
    RoomOpened,
    SessionBooked,
    SessionScheduled,
    SiteOpened,
    StaffMemberJoined,
    Weekday,
)

RIVERSIDE: Final = "riverside"
BERLIN: Final = "Europe/Berlin"
ROOM: Final = UUID("0195a000-0000-7000-8000-000000000001")
LEADER: Final = UUID("0195a000-0000-7000-8000-000000000002")
CO_LEADER: Final = UUID("0195a000-0000-7000-8000-000000000003")
PHYSICIAN: Final = UUID("0195a000-0000-7000-8000-000000000004")
GROUP: Final = UUID("0195a000-0000-7000-8000-000000000005")
SESSION: Final = UUID("0195a000-0000-7000-8000-000000000006")
ANNA: Final = UUID("0195a000-0000-7000-8000-00000000000a")
BEN: Final = UUID("0195a000-0000-7000-8000-00000000000b")
CLARA: Final = UUID("0195a000-0000-7000-8000-00000000000c")
EPISODE: Final = UUID("0195a000-0000-7000-8000-00000000000e")
PLAN: Final = UUID("0195a000-0000-7000-8000-00000000000f")

MONDAY: Final = date(2026, 3, 9)
NOON: Final = datetime(2026, 3, 9, 11, 0, tzinfo=UTC)
"""Noon of the Monday on the site's clock."""
SIX: Final = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)
HALF_PAST_SEVEN: Final = SIX + timedelta(minutes=90)
NIGHT: Final = datetime(2026, 3, 9, 20, 0, tzinfo=UTC)

POLICIES: Final = catalogue()

opened = SiteOpened(
    "Riverside", BERLIN, tuple(OpeningHours(day, "08:00", "20:00") for day in list(Weekday)[:5]), "program-hours"
)
site: Final[Site] = sites.fold([opened])
room: Final[Room] = rooms.fold([RoomOpened(RIVERSIDE, "Garden room", 14)])
leader: Final[StaffMember] = staff.fold(
    [StaffMemberJoined(RIVERSIDE, "J. Rivera", (Profession.COUNSELLOR,), date(2024, 1, 1), "Julia Rivera")]
)
physician: Final[StaffMember] = staff.fold(
    [StaffMemberJoined(RIVERSIDE, "Dr Osei", (Profession.PHYSICIAN,), date(2024, 1, 1), "Kwame Osei")]
)
nobody: Final = StaffMember()

met = ParticipantMet(ANNA)
in_care = CareBegan(ANNA, EPISODE, MONDAY)
has_plan = PlanTookEffect(ANNA, PLAN, 1, MONDAY)
ready: Final[Participant] = participants.fold([met, in_care, has_plan])

relapse_prevention = Setting("relapse-prevention", Modality.GROUP, Place.ON_SITE, ROOM, LEADER, None, 2)

scheduled = SessionScheduled(
    site_id=RIVERSIDE,
    kind="relapse-prevention",
    modality=Modality.GROUP,
    group_id=GROUP,
    place=Place.ON_SITE,
    room_id=ROOM,
    leader_id=LEADER,
    co_leader_id=None,
    starts_at=SIX,
    ends_at=HALF_PAST_SEVEN,
    session_on=MONDAY,
    zone=BERLIN,
    capacity=2,
    topic=None,
)
slot = Slot(GROUP, Modality.GROUP, "relapse-prevention", Place.ON_SITE, SIX, HALF_PAST_SEVEN, MONDAY, BERLIN)

booked = SessionBooked(
    patient_id=ANNA,
    session_id=SESSION,
    group_id=GROUP,
    modality=Modality.GROUP,
    kind="relapse-prevention",
    session_on=MONDAY,
    zone=BERLIN,
    starts_at=SIX,
    ends_at=HALF_PAST_SEVEN,
)
