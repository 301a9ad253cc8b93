"""Intake: who comes in, what is found, whether withdrawal comes first, the level of care and the plan."""

from pathlib import Path

from services.intake import plan_state, views, views_patient, views_plan_state
from services.intake.access import RULES
from services.intake.api import router
from services.intake.on_medication import ON_MEDICATION
from shared.events import intake, medication, scheduling
from shared.fold import Fold
from shared.projector import Projection, TableProjection
from shared.service import Service

PLAN_STATE_TOPIC = "intake.plan-state.v1"

SERVICE = Service(
    name="intake",
    vocabulary=intake,
    router=router,
    rules=RULES,
    migrations=Path(__file__).parent / "migrations",
    projections=(
        Projection("intake", ("intake.events.v1",), views.writes),
        Projection("patient-match", ("intake.events.v1",), views_patient.match_writes, opens_sealed=True),
        Projection("site", ("scheduling.events.v1",), views_plan_state.site_writes),
        TableProjection(views_plan_state.PROJECTION, PLAN_STATE_TOPIC, views_plan_state.writes),
    ),
    policies=(ON_MEDICATION,),
    fold=Fold(
        app_id="intake-plan-state-v1",
        sources={
            "intake.events.v1": intake,
            "scheduling.events.v1": scheduling,
            "medication.events.v1": medication,
        },
        output=PLAN_STATE_TOPIC,
        apply=plan_state.apply,
        figures=plan_state.figures,
    ),
)
