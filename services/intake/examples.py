"""Bodies that work as printed, in this order, for the documents and for the tests."""

from typing import Any, Final

type Examples = dict[str, dict[str, Any]]

PATIENT_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000001"
EVALUATION_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000002"
ASSESSMENT_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000003"
EPISODE_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000004"
PLAN_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000005"


def _one(summary: str, value: dict[str, Any]) -> Examples:
    return {summary.split(" ", maxsplit=1)[0].lower(): {"summary": summary, "value": value}}


_IDENTITY: Final = {
    "family_name": "Sørensen-Ward",
    "given_names": "Anna Maria",
    "birth_date": "1988-05-17",
    "sex_at_birth": "female",
    "preferred_name": "Mia",
}
_CONTACTS: Final = {
    "phones": ["+1 410 555 0142"],
    "email": "mia@example.org",
    "address_lines": ["12 Harbor Street", "Baltimore, MD 21201"],
    "emergency": {"name": "Karen Ward", "phone": "+1 410 555 0188", "relation": "sister"},
}
PATIENT: Final = _one("New patient", {"identity": _IDENTITY, "contacts": _CONTACTS, "distinct_from": []})
IDENTITY: Final = _one("Married name", {"identity": _IDENTITY | {"family_name": "Ward"}})
CONTACTS: Final = _one("New number", {"contacts": {"phones": ["+1 410 555 0199"]}})

EVALUATION: Final = _one("First evaluation", {"patient_id": PATIENT_ID})
SUBSTANCES: Final[dict[str, Any]] = {
    "section": "substances",
    "content": {
        "uses": [
            {
                "substance": "alcohol",
                "route": "oral",
                "amount_per_day": "10",
                "amount_unit": "standard_drinks",
                "frequency": "daily",
                "days_of_last_30": 30,
                "first_use_age_years": 15,
                "duration_months": 48,
            },
            {
                "substance": "opioids",
                "product": "fentanyl",
                "route": "intranasal",
                "amount_per_day": "4",
                "amount_unit": "bags",
                "frequency": "several_per_week",
                "days_of_last_30": 16,
                "first_use_age_years": 27,
                "duration_months": 30,
                "last_used_on": "2025-11-02",
            },
        ],
        "past_treatments": [{"kind": "intensive_outpatient", "year": 2023, "duration_weeks": 9, "completed": "no"}],
        "overdoses": [{"substance": "opioids", "year": 2024, "month": 7, "intended": "no", "naloxone_given": "yes"}],
    },
    "notes": "Drinks alone in the evening; last drink this morning.",
}
PHYSICAL_HEALTH: Final[dict[str, Any]] = {
    "section": "physical_health",
    "content": {
        "conditions": [{"code": "K70.0", "status": "suspected"}],
        "medicines": [{"code": "sertraline", "dose_mg": "50", "times_per_day": 1}],
        "allergies": [{"code": "penicillin", "reaction": "rash", "severity": "mild"}],
        "pregnancy": "not_pregnant",
        "liver_impairment": "mild",
    },
}
_OTHER_SECTIONS: Final[tuple[dict[str, Any], ...]] = (
    {"section": "age", "content": {"needs": ["childcare"], "school_years": 12}},
    {
        "section": "family_history",
        "content": {
            "relatives": [{"relative": "father", "substances": ["alcohol"], "died_of_it": "no"}],
            "use_in_childhood_home": "yes",
        },
    },
    {
        "section": "mental_state",
        "content": {
            "mood": "low",
            "thinking": "clear",
            "orientation": "full",
            "hallucinations": "no",
            "suicidal_thoughts": "none",
            "suicide_attempts": 0,
            "violence_risk": "no",
            "trauma": "declined",
        },
    },
    {
        "section": "relationships",
        "content": {
            "partnership": "separated",
            "partner_uses": "unknown",
            "children": 2,
            "children_in_own_care": 1,
            "child_protection": "no",
            "violence_at_home": "no",
            "safe_at_home": "yes",
        },
    },
    {
        "section": "lifestyle",
        "content": {
            "work": "part_time",
            "housing": "rented",
            "housing_at_risk": "no",
            "income": "wages",
            "debt_problem": "yes",
            "legal_matters": [{"kind": "impaired_driving"}],
        },
        "notes": "Works nights at a bakery.",
    },
    {
        "section": "social_support",
        "content": {
            "supports": ["family", "peer_worker"],
            "mutual_help": ["na"],
            "sober_person_at_home": "no",
            "transport": "yes",
            "phone": "yes",
        },
    },
)
SECTIONS: Final[Examples] = {
    one["section"]: {"summary": one["section"].replace("_", " ").capitalize(), "value": one}
    for one in (SUBSTANCES, PHYSICAL_HEALTH, *_OTHER_SECTIONS)
}
SIGNATURE: Final = _one("Signature", {"withdrawal_management_needed": False})
AMENDMENT: Final = _one("Amendment", {"answers": PHYSICAL_HEALTH, "reason": "The pharmacy named the medicine."})

ASSESSMENT: Final[Examples] = {
    "phq-9": {
        "summary": "PHQ-9 with a thought of self-harm",
        "value": {
            "patient_id": PATIENT_ID,
            "instrument_id": "phq-9",
            "language": "en",
            "mode": "self_report",
            "answers": {
                "interest": 2,
                "mood": 2,
                "sleep": 3,
                "energy": 2,
                "appetite": 1,
                "self-worth": 2,
                "concentration": 1,
                "movement": 0,
                "self-harm": 1,
            },
            "total": 14,
        },
    },
    "cows": {
        "summary": "COWS with the pulse in beats per minute",
        "value": {
            "patient_id": PATIENT_ID,
            "instrument_id": "cows",
            "language": "en",
            "mode": "clinician",
            "measures": {"pulse_bpm": 104},
            "answers": {
                "sweating": 2,
                "restlessness": 3,
                "pupils": 2,
                "aches": 2,
                "nose-eyes": 2,
                "stomach": 2,
                "tremor": 2,
                "yawning": 2,
                "anxiety": 2,
                "gooseflesh": 3,
            },
        },
    },
}
CLOSURE: Final = _one(
    "Seen at once", {"sign": "suicide-risk", "action_taken": "Screened, no intent; safety plan made with her sister."}
)
RETRACTION: Final = _one("Wrong patient", {"reason": "Entered for the wrong patient."})

COMPLETION: Final = _one("Completed", {"completed_on": "2025-11-09"})
REFERRAL: Final = _one("Referred out", {"referred_on": "2025-11-04", "destination": "County hospital, unit 4"})
OVERRIDE: Final = _one("Override", {"reason": "Last drink nine days ago, seen daily, CIWA-Ar below 5 for three days."})

ADMISSION: Final = _one(
    "To intensive outpatient",
    {
        "patient_id": PATIENT_ID,
        "evaluation_id": EVALUATION_ID,
        "level_of_care": "2.1",
        "admitted_on": "2025-11-10",
    },
)
STEP: Final = _one("Down", {"level_of_care": "1.0", "reason": "goals_met", "stepped_on": "2025-11-20"})
DISCHARGE: Final = _one("Completed", {"reason": "completed", "discharged_on": "2025-11-21"})

_OWNER: Final = "counsellor-7"
_WRITTEN: Final[dict[str, Any]] = {
    "problems": [
        {
            "id": "p1",
            "text": "Alcohol, daily for four years; has lost a job over it.",
            "owner": _OWNER,
            "identified_on": "2025-11-10",
            "diagnosis": "F10.20",
            "goals": [
                {
                    "id": "g1",
                    "text": "Three months without a drink.",
                    "owner": _OWNER,
                    "target_on": "2026-02-10",
                    "objectives": [
                        {
                            "id": "o1",
                            "text": "Names five triggers and a plan for each.",
                            "owner": _OWNER,
                            "target_on": "2025-12-10",
                            "interventions": [
                                {
                                    "id": "i1",
                                    "text": "Relapse prevention group, three evenings a week.",
                                    "modality": "group",
                                    "minutes_per_week": 540,
                                    "owner": _OWNER,
                                    "starts_on": "2025-11-10",
                                },
                                {
                                    "id": "i2",
                                    "text": "Cognitive behavioural therapy.",
                                    "modality": "individual",
                                    "minutes_per_week": 60,
                                    "owner": "therapist-2",
                                    "starts_on": "2025-11-10",
                                },
                            ],
                        }
                    ],
                }
            ],
        }
    ],
    "strengths": ["Cares for her daughter", "Has stopped before"],
    "preferences": ["Evening groups"],
}
PLAN: Final = _one("First draft", {"patient_id": PATIENT_ID, "episode_id": EPISODE_ID, "plan": _WRITTEN})
REVISION: Final = _one("Revision", _WRITTEN | {"preferences": ["Evening groups", "No Sundays"]})
ACTIVATION: Final = _one(
    "Both signed",
    {"active_from": "2025-11-10", "patient_signature": "handwritten", "patient_signed_on": "2025-11-10"},
)
PROGRESS: Final = _one(
    "In progress",
    {"goal_id": "g1", "progress": "in_progress", "noted_on": "2025-11-12", "note": "Named two triggers."},
)
REVIEW: Final = _one("Continue", {"reviewed_on": "2025-11-14", "outcome": "continue"})
