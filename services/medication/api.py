"""All routes of medication."""

from fastapi import APIRouter

from services.medication import (
    api_authority,
    api_detox,
    api_dose,
    api_finding,
    api_missed,
    api_order,
    api_reference,
    api_rules,
    api_stock,
    api_stock_reading,
    api_stock_report,
    api_stock_transfer,
    api_taper,
    api_taper_preview,
    api_taper_rest,
    api_vomited,
)

router = APIRouter(prefix="/v1")
stock = (api_stock, api_stock_transfer, api_stock_reading, api_stock_report)
orders = (api_order, api_rules, api_finding, api_missed)
tapers = (api_taper, api_taper_rest, api_taper_preview)
for part in (*orders, *stock, api_detox, api_dose, api_vomited, api_authority, *tapers, api_reference):
    router.include_router(part.router)
