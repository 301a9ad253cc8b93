"""Scheduling: sites, rooms and staff, groups and sessions, and who attended what for how long."""

from pathlib import Path

from services.scheduling import views
from services.scheduling.access import RULES
from services.scheduling.api import router
from services.scheduling.catalogue import catalogue
from services.scheduling.on_intake import ON_INTAKE
from shared.events import scheduling
from shared.projector import Projection
from shared.service import Service

catalogue()  # a policy file that contradicts itself stops the start, not the first booking

SERVICE = Service(
    name="scheduling",
    vocabulary=scheduling,
    router=router,
    rules=RULES,
    migrations=Path(__file__).parent / "migrations",
    projections=(Projection("scheduling", ("scheduling.events.v1",), views.writes),),
    policies=(ON_INTAKE,),
)
