"""All routes of medication."""

from fastapi import APIRouter

from services.medication import (
    api_authority,
    api_dose,
    api_order,
    api_reference,
    api_taper,
    api_taper_preview,
    api_taper_rest,
)

router = APIRouter(prefix="/v1")
for part in (api_order, api_dose, api_authority, api_taper, api_taper_rest, api_taper_preview, api_reference):
    router.include_router(part.router)
