"""Medication: what is ordered, given and missed, and how tapers come down."""

from pathlib import Path

from services.medication import care_policy, guest_policy, site_time, taper_schedule, views, views_taper
from services.medication.access import RULES
from services.medication.api import router
from shared.events import medication
from shared.fold import Fold
from shared.policy import Policies
from shared.projector import Projection, TableProjection
from shared.service import Service

TAPER_SCHEDULE_TOPIC = "medication.taper-schedule.v1"

SERVICE = Service(
    name="medication",
    vocabulary=medication,
    router=router,
    rules=RULES,
    migrations=Path(__file__).parent / "migrations",
    projections=(
        Projection("medication", ("medication.events.v1",), views.writes),
        Projection("site", ("scheduling.events.v1",), site_time.writes),
        TableProjection(views_taper.PROJECTION, TAPER_SCHEDULE_TOPIC, views_taper.schedule_writes),
    ),
    timers=(guest_policy.RETURN,),
    policies=(Policies("medication-care", ("intake.events.v1",), care_policy.on_intake),),
    fold=Fold(
        app_id="medication-taper-schedule-v1",
        sources={"medication.events.v1": medication},
        output=TAPER_SCHEDULE_TOPIC,
        apply=taper_schedule.apply,
        figures=taper_schedule.figures,
    ),
)
