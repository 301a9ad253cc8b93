"""What patients answer and what is planned for them: invented, and varied only as far as their ways differ."""

from typing import Any, Final

from deploy.demo.calendar import Weeks

FAMILIES = (
    "Abara",
    "Bauer",
    "Castillo",
    "Dupont",
    "Eriksen",
    "Fontaine",
    "Greer",
    "Haddad",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindqvist",
)
GIVEN = ("Ada", "Ben", "Cleo", "Dario", "Esra", "Finn", "Gwen", "Hugo", "Ines", "Jonas", "Kira", "Luca")


def identity(run: str, number: int) -> dict[str, Any]:
    """Nobody's name and birth date, different for every patient of every run."""
    return {
        "identity": {
            "family_name": f"{FAMILIES[number % len(FAMILIES)]}-{run[:8]}-{number}",
            "given_names": GIVEN[number % len(GIVEN)],
            "birth_date": f"{1960 + number % 40}-{1 + number % 12:02d}-{1 + number % 28:02d}",
        }
    }


_OTHER_SECTIONS: Final[tuple[dict[str, Any], ...]] = (
    {
        "section": "physical_health",
        "content": {"conditions": [], "medicines": [], "allergies": [], "pregnancy": "not_pregnant", "liver_impairment": "none"},
    },
    {"section": "age", "content": {"needs": [], "school_years": 12}},
    {"section": "family_history", "content": {"relatives": [], "use_in_childhood_home": "no"}},
    {
        "section": "mental_state",
        "content": {
            "mood": "low", "thinking": "clear", "orientation": "full", "hallucinations": "no", "suicidal_thoughts": "none",
            "suicide_attempts": 0, "violence_risk": "no", "trauma": "declined",
        },
    },
    {
        "section": "relationships",
        "content": {
            "partnership": "separated", "partner_uses": "unknown", "children": 0, "children_in_own_care": 0,
            "child_protection": "no", "violence_at_home": "no", "safe_at_home": "yes",
        },
    },
    {
        "section": "lifestyle",
        "content": {
            "work": "part_time", "housing": "rented", "housing_at_risk": "no", "income": "wages", "debt_problem": "no", "legal_matters": [],
        },
    },
    {
        "section": "social_support",
        "content": {
            "supports": ["family"], "mutual_help": ["na"], "sober_person_at_home": "yes", "transport": "yes", "phone": "yes",
        },
    },
)  # fmt: skip


def sections(*, drinks_daily: bool) -> list[dict[str, Any]]:
    """Every section of the evaluation; who drinks daily needs withdrawal management first."""
    opioids = {
        "substance": "opioids",
        "route": "intranasal",
        "amount_per_day": "2",
        "amount_unit": "bags",
        "frequency": "weekly",
        "days_of_last_30": 6,
        "first_use_age_years": 24,
        "duration_months": 30,
    }
    alcohol = {
        "substance": "alcohol",
        "route": "oral",
        "amount_per_day": "10",
        "amount_unit": "standard_drinks",
        "frequency": "daily",
        "days_of_last_30": 30,
        "first_use_age_years": 15,
        "duration_months": 48,
    }
    uses = [alcohol, opioids] if drinks_daily else [opioids]
    return [
        {"section": "substances", "content": {"uses": uses, "past_treatments": [], "overdoses": []}},
        *_OTHER_SECTIONS,
    ]


def phq9(patient_id: str, level: int, *, self_harm: int) -> dict[str, Any]:
    """A PHQ-9 with `level` (0 to 3) on every item but the ninth."""
    items = ("interest", "mood", "sleep", "energy", "appetite", "self-worth", "concentration", "movement")
    answers = dict.fromkeys(items, level) | {"self-harm": self_harm}
    return {
        "patient_id": patient_id,
        "instrument_id": "phq-9",
        "language": "en",
        "mode": "self_report",
        "answers": answers,
    }


def cows(patient_id: str) -> dict[str, Any]:
    """A COWS of mild withdrawal."""
    items = ("sweating", "restlessness", "aches", "nose-eyes", "stomach", "tremor", "yawning", "anxiety")
    answers = dict.fromkeys(items, 1) | {"pupils": 0, "gooseflesh": 0}
    return {
        "patient_id": patient_id, "instrument_id": "cows", "language": "en", "mode": "clinician",
        "measures": {"pulse_bpm": 84}, "answers": answers,
    }  # fmt: skip


def plan(weeks: Weeks, owner: str) -> dict[str, Any]:
    """One problem, one goal, one objective, a group and an individual intervention: 10 hours a week."""
    start = weeks.on(7)

    def intervention(number: int, text: str, modality: str, minutes: int) -> dict[str, Any]:
        return {
            "id": f"i{number}",
            "text": text,
            "modality": modality,
            "minutes_per_week": minutes,
            "owner": owner,
            "starts_on": start,
        }

    interventions = [
        intervention(1, "Relapse prevention group, three evenings a week.", "group", 540),
        intervention(2, "Cognitive behavioural therapy.", "individual", 60),
    ]
    objective = {
        "id": "o1", "text": "Names five triggers and a plan for each.", "owner": owner, "target_on": weeks.on(49), "interventions": interventions,
    }  # fmt: skip
    goal = {
        "id": "g1",
        "text": "Three months without use.",
        "owner": owner,
        "target_on": weeks.on(98),
        "objectives": [objective],
    }
    problem = {
        "id": "p1", "text": "Opioids, several times a month for two years.", "owner": owner, "identified_on": weeks.on(6),
        "diagnosis": "F11.20", "goals": [goal],
    }  # fmt: skip
    return {"problems": [problem], "strengths": ["Has stopped before"], "preferences": ["Evening groups"]}
