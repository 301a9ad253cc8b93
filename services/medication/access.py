"""Who may do what in medication.

What is recorded about a dose reaches the whole network: a patient who comes to another site is dosed on the order of the
home site, and whoever is about to dose may see whether the slot is taken. All else stays at the order's site.
"""

from shared.access import Reach, Role, Rules, allow

_DOSING = (Role.NURSE, Role.PRESCRIBER)
_READERS = (Role.COUNSELLOR, Role.NURSE, Role.PRESCRIBER, Role.SITE_MANAGER, Role.NETWORK_MANAGER)

RULES: Rules = {
    "draft_order": allow(*_DOSING),
    "sign_order": allow(Role.PRESCRIBER),
    "hold_order": allow(*_DOSING),
    "resume_order": allow(Role.PRESCRIBER),
    "discontinue_order": allow(Role.PRESCRIBER),
    "allow_dosing_after_discharge": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "get_order": allow(*_READERS),
    "get_order_story": allow(*_READERS),
    "list_orders": allow(*_READERS),
    "administer_dose": allow(*_DOSING, reach=Reach.NETWORK),
    "refuse_dose": allow(*_DOSING, reach=Reach.NETWORK),
    "miss_dose": allow(*_DOSING, reach=Reach.NETWORK),
    "request_void": allow(*_DOSING, reach=Reach.NETWORK),
    "confirm_void": allow(*_DOSING, reach=Reach.NETWORK),
    "get_dose": allow(*_DOSING, reach=Reach.NETWORK),
    "list_doses": allow(*_READERS),
    "allow_second_order": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "administer_under_broken_glass": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "settle_conflict": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "list_dosing_conflicts": allow(*_DOSING, Role.SITE_MANAGER),
    "request_guest_dosing": allow(*_DOSING, reach=Reach.NETWORK),
    "approve_guest_dosing": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "decline_guest_dosing": allow(*_DOSING, reach=Reach.NETWORK),
    "accept_guest_dosing": allow(*_DOSING, reach=Reach.NETWORK),
    "end_guest_dosing": allow(*_DOSING, reach=Reach.NETWORK),
    "get_dosing_authority": allow(*_DOSING, reach=Reach.NETWORK),
    "list_guest_dosing": allow(*_DOSING, Role.SITE_MANAGER),
    "get_dosing_list": allow(*_DOSING, Role.SITE_MANAGER),
    "start_taper": allow(Role.PRESCRIBER),
    "confirm_step": allow(Role.PRESCRIBER),
    "report_step_taken": allow(*_DOSING),
    "hold_taper": allow(*_DOSING),
    "resume_taper": allow(Role.PRESCRIBER),
    "stop_taper": allow(Role.PRESCRIBER),
    "replan_taper": allow(Role.PRESCRIBER),
    "slow_taper_down": allow(Role.PRESCRIBER),
    "reverse_taper": allow(Role.PRESCRIBER),
    "try_out_taper": allow(*_DOSING),
    "ask_for_rest": allow(*_DOSING),
    "get_taper": allow(*_READERS),
    "get_taper_story": allow(*_READERS),
    "get_taper_schedule": allow(*_READERS),
    "plot_taper": allow(*_READERS),
    "list_taper_schedules": allow(*_READERS),
    "preview_taper": allow(*_DOSING),
    "compare_tapers": allow(*_DOSING),
    "plot_tapers": allow(*_DOSING),
    "list_taper_templates": allow(*_READERS, Role.FRONT_DESK),
    "get_formulary": allow(*_READERS, Role.FRONT_DESK),
    "get_clinical_policies": allow(*_READERS, Role.FRONT_DESK),
    "get_medication_record": allow(*_READERS),
}
