"""Who may do what in intake.

Reach is the whole network where the patient as a person is the subject: somebody registered at one site is evaluated and
admitted at another without being registered twice, and the detox gate holds everywhere. All else stays at its site.
"""

from shared.access import Reach, Role, Rules, allow

_CLINICIANS = (Role.COUNSELLOR, Role.NURSE, Role.PRESCRIBER)
_STAFF = (Role.FRONT_DESK, *_CLINICIANS, Role.SITE_MANAGER, Role.NETWORK_MANAGER)
_READERS = (*_CLINICIANS, Role.SITE_MANAGER, Role.NETWORK_MANAGER)

RULES: Rules = {
    "register_patient": allow(Role.FRONT_DESK, *_CLINICIANS, Role.SITE_MANAGER, reach=Reach.NETWORK),
    "correct_identity": allow(Role.FRONT_DESK, Role.SITE_MANAGER),
    "record_contacts": allow(Role.FRONT_DESK, *_CLINICIANS, Role.SITE_MANAGER),
    "get_patient": allow(*_STAFF),
    "list_patients": allow(*_STAFF),
    "get_plan_state": allow(*_READERS),
    "list_plan_states": allow(*_READERS),
    "begin_evaluation": allow(*_CLINICIANS, reach=Reach.NETWORK),
    "record_section": allow(*_CLINICIANS),
    "sign_evaluation": allow(Role.COUNSELLOR, Role.PRESCRIBER, reach=Reach.NETWORK),
    "amend_evaluation": allow(Role.COUNSELLOR, Role.PRESCRIBER, reach=Reach.NETWORK),
    "get_evaluation": allow(*_READERS),
    "list_evaluations": allow(*_READERS),
    "list_instruments": allow(*_STAFF),
    "assess_patient": allow(*_CLINICIANS, reach=Reach.NETWORK),
    "close_danger_sign": allow(*_CLINICIANS),
    "retract_assessment": allow(*_CLINICIANS),
    "get_assessment": allow(*_READERS),
    "list_scores": allow(*_READERS),
    "list_danger_signs": allow(*_READERS),
    "complete_withdrawal_management": allow(Role.NURSE, Role.PRESCRIBER, reach=Reach.NETWORK),
    "refer_for_withdrawal_management": allow(*_CLINICIANS, reach=Reach.NETWORK),
    "override_detox_gate": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "get_detox_gate": allow(*_STAFF, reach=Reach.NETWORK),
    "list_detox_gates": allow(*_STAFF),
    "admit_patient": allow(Role.COUNSELLOR, Role.PRESCRIBER, Role.SITE_MANAGER, reach=Reach.NETWORK),
    "step_level_of_care": allow(Role.COUNSELLOR, Role.PRESCRIBER),
    "discharge_patient": allow(Role.COUNSELLOR, Role.PRESCRIBER, Role.SITE_MANAGER, reach=Reach.NETWORK),
    "get_episode": allow(*_READERS),
    "list_episodes": allow(*_STAFF),
    "draft_plan": allow(Role.COUNSELLOR, Role.PRESCRIBER),
    "revise_plan": allow(Role.COUNSELLOR, Role.PRESCRIBER),
    "activate_plan": allow(Role.COUNSELLOR, Role.PRESCRIBER),
    "note_progress": allow(*_CLINICIANS),
    "review_plan": allow(Role.COUNSELLOR, Role.PRESCRIBER),
    "get_plan": allow(*_READERS),
    "list_plans": allow(*_READERS),
    "list_plan_reviews_due": allow(*_READERS),
}
