"""Medication: what is ordered, given and missed, and how tapers come down."""

from pathlib import Path

from services.medication import care_policy, guest_policy, site_time, taper_schedule, views, views_taper
from services.medication.access import RULES
from services.medication.api import router
from services.medication.detox_policies import detox_policies
from services.medication.formulary import formulary
from services.medication.missed_policies import missed_policies
from services.medication.rules_table import rule_table
from services.medication.stock_policies import stock_policies
from services.medication.taper_policies import taper_policies
from services.medication.window_policies import window_policies
from shared.events import medication
from shared.fold import Fold
from shared.policy import Policies
from shared.projector import Projection, TableProjection
from shared.service import Service

TAPER_SCHEDULE_TOPIC = "medication.taper-schedule.v1"

for checked in (
    formulary,
    rule_table,
    window_policies,
    stock_policies,
    missed_policies,
    taper_policies,
    detox_policies,
):
    checked()  # a policy file that contradicts itself stops the start, not the first dose

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
