"""Bodies that work as printed, in this order, for the documents and for the tests."""

from typing import Any, Final

type Examples = dict[str, dict[str, Any]]

PATIENT_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000001"
ORDER_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000021"
TAPER_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000022"
GUEST_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000023"
BOTTLE_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000024"
WASTE_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000025"
TRANSFER_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000026"
FINDING_ID: Final = "0193f0c2-5b7e-7c1a-9a55-000000000027"
DOSE_ID: Final = "2b6f3d1e-8c64-5b0e-9d8a-4f8e2f0f7a31"


def one(summary: str, value: dict[str, Any]) -> Examples:
    """One example under its first word."""
    return {summary.split(" ", maxsplit=1)[0].lower(): {"summary": summary, "value": value}}


ORDER: Final = one(
    "Film 16 mg once a day",
    {
        "patient_id": PATIENT_ID,
        "product_id": "buprenorphine-naloxone-film",
        "split_doses_mg": ["16"],
        "starts_on": "2025-11-03",
        "new_start": False,
        "instructions": "Under the tongue until dissolved; observe for ten minutes.",
    },
) | one(
    "Concentrate 60 mg as a new start, above the limit of the first day",
    {
        "patient_id": PATIENT_ID,
        "product_id": "methadone-concentrate",
        "split_doses_mg": ["40", "20"],
        "starts_on": "2025-11-03",
        "ends_on": "2026-02-01",
        "new_start": True,
    },
)
SIGNATURE: Final = one("Within the limits", {}) | one(
    "Above a limit", {"rationale": "Fentanyl tolerance; observed two and four hours after the first part."}
)
OVERRIDE: Final = one("Weighed with cardiology", {"reason": "QTc stable for a year; cardiology agrees to 5 mg more."})
FINDING: Final = (
    one("Clearance from the laboratory", {
        "fact": "creatinine_clearance", "value": "72.5", "unit": "mL/min", "observed_at": "2025-11-03T09:00:00-05:00"
    })
    | one("Child-Pugh class", {"fact": "child_pugh", "choice": "B", "observed_at": "2025-11-03T09:00:00-05:00"})
    | one("Takes clonazepam", {"fact": "medicines", "choice": "clonazepam", "observed_at": "2025-11-03T09:00:00-05:00"})
    | one("Heroin last evening", {"fact": "last_short_acting_opioid", "observed_at": "2025-11-02T21:00:00-05:00"})
)  # fmt: skip
RETRACTION: Final = one("Mixed up", {"reason": "The result of another patient."})
ORDER_HOLD: Final = one(
    "Sleepy at the window", {"reason": "impairment", "note": "Slurred speech, pinpoint pupils; prescriber called."}
)
DISCONTINUATION: Final = one("Replaced by another order", {"reason": "replaced", "note": "Moves to the monthly depot."})
EXCEPTION: Final = one(
    "Bridge until the next provider", {"until_on": "2025-11-20", "reason": "First visit elsewhere is on the 20th."}
)

DOSE: Final = one("Observed now", {"dose_mg": "16"}) | one(
    "Entered from paper",
    {"dose_mg": "8", "dosing_on": "2025-11-04", "given_at": "2025-11-04T08:12:00-05:00", "observed_by": "nurse-kim"},
)
REFUSAL: Final = one("Feels unwell", {"reason": "feels_unwell", "note": "Vomited this morning."})
MISSED: Final = one("Did not come", {"dosing_on": "2025-11-05"})
RESUMED_ORDER: Final = one(
    "Half after four missed doses",
    {"dose_mg_max": "30", "assessed": ["intoxication", "withdrawal"], "rationale": "Seen; no sedation, COWS 9."},
)
VOMITING: Final = one("Seen by the nurse", {"witnessed_by": "nurse-kim"})
REPLACEMENT: Final = one("Half of it", {"dose_mg": "40"})
REPLACED: Final = one("Given instead", {"dose_mg": "40"})
VOID_REQUEST: Final = one(
    "Wrong patient", {"reason": "wrong_patient", "note": "Entered under the next patient in the queue."}
)

GLASS_DOSE: Final = one(
    "Given while the links were cut",
    {
        "dose_mg": "16",
        "given_at": "2025-11-04T08:12:00-05:00",
        "observed_by": "nurse-kim",
        "reason": "Snowed in at our town; home site not reached by telephone, last dose seen on the patient's bottle.",
    },
)
SECOND_ORDER: Final = one(
    "Changed to a higher dose after the morning's", {"dosing_on": "2025-11-04", "reason": "Morning dose was vomited."}
)
SETTLEMENT: Final = one("Observed", {"note": "Patient observed for four hours, no sedation; next dose unchanged."})
GUEST_REQUEST: Final = one(
    "A week with family",
    {
        "order_id": ORDER_ID,
        "from_on": "2025-12-22",
        "until_on": "2025-12-28",
        "reason": "Visits family; the registry shows no other program.",
    },
) | one("Moves for good", {"order_id": ORDER_ID, "from_on": "2025-12-22", "reason": "New job in your town."})
GUEST_APPROVAL: Final = one(
    "Agreed by telephone",
    {"last_dose_mg": "16", "last_dose_on": "2025-12-21", "take_homes_held": 0, "note": "Spoke with nurse Lee."},
)
GUEST_NOTE: Final = one("The patient stays here after all", {"note": "Journey cancelled."})

TAPER: Final = one(
    "Down to 4 mg in two-week steps",
    {
        "order_id": ORDER_ID,
        "target_dose_mg": "4",
        "steps": [
            {"starts_on": "2025-11-10", "dose_mg": "14"},
            {"starts_on": "2025-11-24", "dose_mg": "12"},
            {"starts_on": "2025-12-08", "dose_mg": "8"},
            {"starts_on": "2025-12-22", "dose_mg": "4"},
        ],
    },
)
CONFIRMATION: Final = one(
    "Well",
    {"step": 1, "tolerance": "well", "assessment": "Sleeps well, no craving, COWS 2.", "confirmed_on": "2025-11-07"},
)
TAKEN_STEP: Final = one("Taken at home", {"step": 1, "taken_on": "2025-11-10"})
TAPER_HOLD: Final = one(
    "Symptoms after the first step",
    {"reason": "withdrawal_symptoms", "held_on": "2025-11-14", "note": "COWS 9, wants to wait a week."},
)
RESUMPTION: Final = one("A week later", {"resumed_on": "2025-11-21"})
STOP: Final = one(
    "Stays where it is", {"reason": "stays_at_this_dose", "stopped_on": "2025-11-28", "note": "Doing well at 14 mg."}
)
REPLAN: Final = one(
    "Slower after missed doses, and to a lower dose that may stay",
    {
        "reason": "missed_doses",
        "replanned_on": "2025-11-28",
        "target_dose_mg": "8",
        "steps": [{"starts_on": "2025-12-15", "dose_mg": "12"}, {"starts_on": "2026-01-12", "dose_mg": "8"}],
        "note": "Three days missed over the holiday; wants to go on more slowly.",
    },
)
SLOW_DOWN: Final = one("Four weeks a step", {"step_days": 28, "slowed_on": "2025-11-28"})
REVERSAL: Final = one(
    "Back to 14 mg",
    {
        "reason": "withdrawal_symptoms",
        "reversed_on": "2025-11-28",
        "dose_mg": "14",
        "target_dose_mg": "4",
        "steps": [
            {"starts_on": "2025-12-26", "dose_mg": "12"},
            {"starts_on": "2026-01-23", "dose_mg": "8"},
            {"starts_on": "2026-02-20", "dose_mg": "4"},
        ],
        "assessment": "COWS 11, sleepless for four nights; agrees to go back and try again.",
    },
)
WHAT_IF: Final = one(
    "Held for a week, then slower",
    {
        "moves": [
            {"move": "hold", "on": "2025-11-28"},
            {"move": "resume", "on": "2025-12-05"},
            {"move": "slow_down", "on": "2025-12-05", "step_days": 28},
        ]
    },
)

TAPER_PREVIEW: Final = one(
    "Capped methadone by 1 mg, at most 25 % in two weeks, beside a fixed cut",
    {
        "start_dose_mg": "60",
        "target_dose_mg": "0",
        "steps_min": 16,
        "steps_max": 52,
        "step_days": 14,
        "increment_mg": "1",
        "scale": {"kind": "exponential", "reference_dose_mg": "10"},
        "relative_caps": [{"fraction": "0.25", "window_days": 14}],
        "jump_off_max_mg": "5",
        "compare": [{"shape": "linear"}, {"shape": "percent_of_current", "fraction": "0.1"}],
    },
) | one(
    "Films of 2 to 12 mg",
    {
        "start_dose_mg": "24",
        "target_dose_mg": "8",
        "steps": 8,
        "step_days": 28,
        "units": [{"strength_mg": "2"}, {"strength_mg": "4"}, {"strength_mg": "8"}, {"strength_mg": "12"}],
        "scale": {"kind": "hyperbolic", "ed50_mg": "4"},
    },
)
TAPER_ALTERNATIVES: Final = one(
    "Ten percent of the dose that was handed out, and of the first dose",
    {
        "question": {
            "start_dose_mg": "80",
            "target_dose_mg": "20",
            "steps": 14,
            "step_days": 14,
            "increment_mg": "1",
            "scale": {"kind": "exponential", "reference_dose_mg": "10"},
            "relative_caps": [{"fraction": "0.1", "window_days": 14}],
        },
        "shapes": [
            {"shape": "percent_of_current", "fraction": "0.1", "basis": "dispensed", "rounding": "up"},
            {"shape": "percent_of_original", "fraction": "0.1", "basis": "ideal", "rounding": "half_up"},
        ],
    },
)
