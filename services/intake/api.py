"""All routes of intake."""

from fastapi import APIRouter

from services.intake import api_assessment, api_detox_gate, api_episode, api_evaluation, api_patient, api_plan

router = APIRouter(prefix="/v1")
for part in (api_patient, api_evaluation, api_assessment, api_detox_gate, api_episode, api_plan):
    router.include_router(part.router)
