"""Bodies that work as printed, in this order, for the documents and for the tests."""

from typing import Any, Final

type Examples = dict[str, dict[str, Any]]

SITE_ID: Final = "riverside"
ROOM_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000a1"
LEADER_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000a2"
CO_LEADER_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000a3"
PHYSICIAN_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000a4"
GROUP_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000b1"
SESSION_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000b2"
MEETING_ID: Final = "0193f0c2-5b7e-7c1a-9a55-0000000000b3"
PATIENT_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000001"
SECOND_PATIENT_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000007"


def _one(summary: str, value: dict[str, Any]) -> Examples:
    return {summary.split(" ", maxsplit=1)[0].lower(): {"summary": summary, "value": value}}


_HOURS: Final = [
    {"weekday": weekday, "opens_at": "08:00", "closes_at": "20:00"} for weekday in ("MO", "TU", "WE", "TH", "FR")
]
SITE: Final = _one(
    "A clinic in Berlin",
    {"name": "Riverside", "zone": "Europe/Berlin", "opening_hours": _HOURS, "counting_policy": "program-hours"},
)
OPENING_HOURS: Final = _one(
    "Saturdays too",
    {"opening_hours": [*_HOURS, {"weekday": "SA", "opens_at": "09:00", "closes_at": "13:00"}]},
)
COUNTING_POLICY: Final = _one("Activities count", {"counting_policy": "activity-therapy"})
CLOSURE: Final = _one("Christmas Eve", {"closed_on": "2026-12-24", "reason": "Christmas Eve"})
ROOM: Final = _one("Garden room", {"site_id": SITE_ID, "name": "Garden room", "seats": 14})
ROOM_CLOSING: Final = _one("Water damage", {"reason": "Water damage"})

STAFF: Final = _one(
    "A counsellor",
    {
        "short_name": "J. Rivera",
        "full_name": "Julia Rivera",
        "professions": ["counsellor"],
        "joined_on": "2024-01-08",
    },
)
CREDENTIAL: Final = _one(
    "State licence", {"kind": "LADC", "number": "12-3456", "issuer": "VT", "valid_until": "2027-06-30"}
)
DEPARTURE: Final = _one("Retires", {"left_on": "2026-06-30"})

GROUP: Final = _one(
    "Relapse prevention, Monday and Thursday evening",
    {
        "kind": "relapse-prevention",
        "name": "Monday and Thursday evening",
        "curriculum": "Living in Balance",
        "place": "on_site",
        "room_id": ROOM_ID,
        "leader_id": LEADER_ID,
        "first_on": "2026-03-02",
        "starts_at": "17:00",
        "minutes": 90,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,TH",
        "capacity": 10,
    },
)
LEADERS: Final = _one("With a co-leader", {"leader_id": LEADER_ID, "co_leader_id": CO_LEADER_ID})
LEFT_OUT: Final = _one("Easter Monday", {"meeting_on": "2026-04-06", "reason": "Easter Monday"})
ENROLMENT: Final = _one("One patient", {"patient_id": PATIENT_ID})
GROUP_ENDING: Final = _one("End of June", {"last_on": "2026-06-30"})
MEETINGS: Final = _one("Two weeks", {"from_on": "2026-03-02", "until_on": "2026-03-15"})

SESSION: Final = {
    **_one(
        "CBT appointment",
        {
            "kind": "cbt",
            "place": "on_site",
            "room_id": ROOM_ID,
            "leader_id": LEADER_ID,
            "starts_at": "2026-03-03T10:00:00+01:00",
            "ends_at": "2026-03-03T10:50:00+01:00",
            "patient_ids": [PATIENT_ID],
        },
    ),
    **_one(
        "Yoga outside",
        {
            "kind": "yoga",
            "place": "outside",
            "leader_id": CO_LEADER_ID,
            "starts_at": "2026-03-04T18:00:00+01:00",
            "ends_at": "2026-03-04T19:00:00+01:00",
            "topic": "Breathing",
        },
    ),
}
RESCHEDULING: Final = _one(
    "Later that day",
    {
        "place": "on_site",
        "room_id": ROOM_ID,
        "starts_at": "2026-03-03T14:00:00+01:00",
        "ends_at": "2026-03-03T14:50:00+01:00",
    },
)
CANCELLATION: Final = _one("Leader ill", {"reason": "leader_unavailable"})
BOOKING: Final = _one("Two patients", {"patient_ids": [PATIENT_ID, SECOND_PATIENT_ID]})
OVERRIDE: Final = _one(
    "Physician lets a patient pass",
    {
        "patient_ids": [PATIENT_ID],
        "override": {"authorised_by": PHYSICIAN_ID, "reason": "Stable on buprenorphine, seen this morning"},
    },
)
BOOKING_CANCELLATION: Final = _one("Ill", {"reason": "illness"})
ARRIVAL: Final = _one("Five to five", {"arrived_at": "2026-03-02T16:55:00+01:00"})
SHEET: Final = _one(
    "One late, one missing",
    {
        "started_at": "2026-03-02T17:00:00+01:00",
        "ended_at": "2026-03-02T18:30:00+01:00",
        "break_minutes": 10,
        "note": "Triggers at family parties, and what to say.",
        "lines": [
            {"patient_id": PATIENT_ID, "status": "arrived_late", "minutes": 65, "remark": "The bus was late."},
            {"patient_id": SECOND_PATIENT_ID, "status": "no_show"},
        ],
    },
)
LATE_ATTENDANCE: Final = _one(
    "Somebody who was forgotten", {"lines": [{"patient_id": SECOND_PATIENT_ID, "status": "attended"}]}
)
CORRECTION: Final = _one("Was there all the time", {"status": "attended"})
RETRACTION: Final = _one("Wrong patient", {"reason": "wrong_patient"})
SUPPORT_MEETING: Final = _one(
    "An AA meeting",
    {
        "kind": "aa",
        "attended_on": "2026-03-05",
        "minutes": 60,
        "evidence": "signature",
        "remark": "Spoke for the first time.",
    },
)
VERIFICATION: Final = _one("Seen by a counsellor", {"verified_by": LEADER_ID})
REJECTION: Final = _one("Not legible", {"rejected_by": LEADER_ID, "reason": "The signature is not legible."})
