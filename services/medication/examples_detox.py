"""Examples of what is sent about withdrawal that is managed here; the documents show them."""

from typing import Final

from services.medication.examples import PATIENT_ID, one

DETOX_ID: Final = "4f2b6a1e-8c53-4f0a-9a55-0f5f0d3c9b71"

BEGINNING: Final = one(
    "Alcohol by score",
    {
        "patient_id": PATIENT_ID,
        "protocol": "alcohol-by-score-chlordiazepoxide",
        "product_id": "chlordiazepoxide-capsule",
    },
) | one(
    "Opioids by induction",
    {
        "patient_id": PATIENT_ID,
        "protocol": "opioid-buprenorphine-induction",
        "product_id": "buprenorphine-naloxone-film",
        "last_use": {"kind": "short-acting", "at": "2025-11-03T18:00:00-05:00"},
    },
)
SCORE: Final = one("Tremor and sweats", {"score": 12, "note": "Tremor 4, sweats 3, anxious."})
DOSE: Final = one("First dose", {"dose_mg": "50"})
STAYS: Final = one(
    "Seen by the physician", {"reason": "CIWA-Ar 19 once, 11 half an hour after the dose; sister stays."}
)
REFERRAL: Final = one("To the hospital", {"destination": "County hospital, detox ward"})
COMPLETION: Final = one("By the stop rule", {})
ENDING: Final = one("Wants to go home", {"reason": "Does not want the medicine any more; told about the danger signs."})
