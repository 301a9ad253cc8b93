"""Who may do what in scheduling.

Reach is the whole network where an operation looks at somebody who may belong to another site: a leader, a patient who was
registered elsewhere, their calendars. The session or group itself is always the acting site's own: its heart says so.
"""

from shared.access import Reach, Role, Rules, allow

_MANAGERS = (Role.SITE_MANAGER, Role.NETWORK_MANAGER)
_CLINICIANS = (Role.COUNSELLOR, Role.NURSE, Role.PRESCRIBER)
_DESK = (Role.FRONT_DESK, *_CLINICIANS, *_MANAGERS)

RULES: Rules = {
    "open_site": allow(Role.NETWORK_MANAGER),
    "adopt_opening_hours": allow(*_MANAGERS),
    "adopt_counting_policy": allow(*_MANAGERS),
    "announce_closure": allow(*_MANAGERS),
    "withdraw_closure": allow(*_MANAGERS),
    "list_sites": allow(*_DESK),
    "get_site": allow(*_DESK),
    "open_room": allow(*_MANAGERS),
    "close_room": allow(*_MANAGERS),
    "list_rooms": allow(*_DESK),
    "welcome_staff_member": allow(*_MANAGERS),
    "record_credential": allow(*_MANAGERS),
    "say_goodbye": allow(*_MANAGERS),
    "list_staff": allow(*_DESK),
    "get_staff_member": allow(*_MANAGERS),
    "found_group": allow(Role.COUNSELLOR, *_MANAGERS, reach=Reach.NETWORK),
    "name_leaders": allow(Role.COUNSELLOR, *_MANAGERS, reach=Reach.NETWORK),
    "leave_out_date": allow(Role.COUNSELLOR, *_MANAGERS),
    "enrol_patient": allow(*_DESK, reach=Reach.NETWORK),
    "withdraw_patient": allow(*_DESK),
    "end_group": allow(Role.COUNSELLOR, *_MANAGERS),
    "schedule_meetings": allow(*_DESK, reach=Reach.NETWORK),
    "list_groups": allow(*_DESK),
    "get_group": allow(*_DESK),
    "get_roster": allow(*_DESK),
    "list_meetings": allow(*_DESK),
    "list_group_sessions": allow(*_DESK),
    "schedule_session": allow(*_DESK, reach=Reach.NETWORK),
    "reschedule_session": allow(*_DESK, reach=Reach.NETWORK),
    "cancel_session": allow(*_DESK, reach=Reach.NETWORK),
    "get_session": allow(*_DESK),
    "get_day_sheet": allow(*_DESK),
    "list_activities": allow(*_DESK),
    "book_patients": allow(*_DESK, reach=Reach.NETWORK),
    "book_with_override": allow(Role.PRESCRIBER, Role.SITE_MANAGER, reach=Reach.NETWORK),
    "cancel_booking": allow(*_DESK, reach=Reach.NETWORK),
    "sign_in": allow(*_DESK),
    "list_participants": allow(*_DESK),
    "get_participant": allow(*_DESK),
    "record_sheet": allow(*_CLINICIANS),
    "record_late": allow(*_CLINICIANS),
    "correct_attendance": allow(*_CLINICIANS, Role.SITE_MANAGER),
    "retract_attendance": allow(*_CLINICIANS, Role.SITE_MANAGER, reach=Reach.NETWORK),
    "report_support_meeting": allow(*_DESK, reach=Reach.NETWORK),
    "verify_evidence": allow(*_CLINICIANS),
    "reject_evidence": allow(*_CLINICIANS),
    "get_attendance": allow(*_CLINICIANS, Role.SITE_MANAGER),
    "list_session_attendances": allow(*_DESK),
    "list_patient_attendances": allow(*_DESK),
    "list_patient_weeks": allow(*_DESK),
}
