"""Routes: the formulary, the clinical policies, and a patient's medication record."""

from dataclasses import dataclass

from fastapi import APIRouter

from services.medication import views_record
from services.medication.detox_policies import Equivalence, Protocol, detox_policies
from services.medication.formulary import formulary
from services.medication.limits import AfterDischargePolicy, ConfirmationPolicy
from services.medication.missed import MissedPolicy
from services.medication.missed_policies import InForce, missed_policies
from services.medication.paths import PatientId
from services.medication.product import Product
from services.medication.rules import Rule
from services.medication.rules_table import rule_table
from services.medication.views_record import MedicationRecord
from shared.http import Queries

router = APIRouter(tags=["reference and record"])


@dataclass(frozen=True)
class Products:
    """Every product that may be ordered, in its newest version."""

    items: list[Product]


@dataclass(frozen=True)
class ClinicalPolicies:
    """The numbers that decisions stand on, each with version, source and evidence."""

    taper_confirmation: ConfirmationPolicy
    dosing_after_discharge: AfterDischargePolicy
    order_rules: list[Rule]
    missed_doses: list[MissedPolicy]
    missed_doses_in_force: InForce
    detox_protocols: list[Protocol]
    benzodiazepine_equivalences: list[Equivalence]


@router.get("/formulary")
async def get_formulary(_door: Queries) -> Products:
    """What can be ordered, in which strengths and codes, and where do the figures come from?"""
    return Products(formulary().newest())


@router.get("/clinical-policies")
async def get_clinical_policies(_door: Queries) -> ClinicalPolicies:
    """Which numbers does medication decide by, and where do they come from?"""
    data, missed, detox = formulary(), missed_policies(), detox_policies()
    return ClinicalPolicies(
        taper_confirmation=data.confirmation,
        dosing_after_discharge=data.after_discharge,
        order_rules=list(rule_table().rules),
        missed_doses=list(missed.policies.values()),
        missed_doses_in_force=missed.in_force,
        detox_protocols=list(detox.protocols.values()),
        benzodiazepine_equivalences=list(detox.equivalences.values()),
    )


@router.get("/patients/{patient_id}/medication-record")
async def get_medication_record(patient_id: PatientId, door: Queries) -> MedicationRecord:
    """What was ordered for the patient, and how much of it was taken, refused and missed?"""
    return await views_record.of_patient(door, patient_id)
