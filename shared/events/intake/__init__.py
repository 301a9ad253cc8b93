"""What intake writes down: who came, what was found, whether withdrawal comes first, the level of care and the plan."""

from shared.events.intake.assessment import (
    AssessmentEvent,
    AssessmentRetracted,
    DangerSignClosed,
    DangerSignRaised,
    InstrumentScored,
)
from shared.events.intake.detox_gate import (
    DetoxGateEvent,
    DetoxGateOverridden,
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.intake.episode import (
    DischargeReason,
    EpisodeEvent,
    LevelOfCare,
    LevelOfCareStepped,
    PatientAdmitted,
    PatientDischarged,
)
from shared.events.intake.evaluation import (
    AgeRecorded,
    EvaluationAmended,
    EvaluationBegun,
    EvaluationEvent,
    EvaluationSigned,
    FamilyHistoryRecorded,
    LifestyleRecorded,
    MentalStateRecorded,
    PhysicalHealthRecorded,
    RelationshipsRecorded,
    SocialSupportRecorded,
    SubstancesRecorded,
)
from shared.events.intake.patient import (
    ContactsRecorded,
    EpisodeBegan,
    EpisodeEnded,
    IdentityCorrected,
    PatientEvent,
    PatientRegistered,
)
from shared.events.intake.plan import (
    GoalProgressNoted,
    PlanActivated,
    PlanDrafted,
    PlanEvent,
    PlanReviewed,
    PlanRevised,
)
from shared.events.intake.plan_parts import Modality
from shared.events.parking import ParkedEventDiscarded, ParkedEventEdited, ParkedEventsRetried

type Event = PatientEvent | EvaluationEvent | AssessmentEvent | DetoxGateEvent | EpisodeEvent | PlanEvent

__all__ = [
    "AgeRecorded",
    "AssessmentEvent",
    "AssessmentRetracted",
    "ContactsRecorded",
    "DangerSignClosed",
    "DangerSignRaised",
    "DetoxGateEvent",
    "DetoxGateOverridden",
    "DischargeReason",
    "EpisodeBegan",
    "EpisodeEnded",
    "EpisodeEvent",
    "EvaluationAmended",
    "EvaluationBegun",
    "EvaluationEvent",
    "EvaluationSigned",
    "Event",
    "FamilyHistoryRecorded",
    "GoalProgressNoted",
    "IdentityCorrected",
    "InstrumentScored",
    "LevelOfCare",
    "LevelOfCareStepped",
    "LifestyleRecorded",
    "MentalStateRecorded",
    "Modality",
    "ParkedEventDiscarded",
    "ParkedEventEdited",
    "ParkedEventsRetried",
    "PatientAdmitted",
    "PatientDischarged",
    "PatientEvent",
    "PatientRegistered",
    "PhysicalHealthRecorded",
    "PlanActivated",
    "PlanDrafted",
    "PlanEvent",
    "PlanReviewed",
    "PlanRevised",
    "ReferredForWithdrawalManagement",
    "RelationshipsRecorded",
    "SocialSupportRecorded",
    "SubstancesRecorded",
    "WithdrawalManagementCompleted",
    "WithdrawalManagementRequired",
]
