"""Routes: tapers, calculated and not recorded."""

from typing import Annotated

from fastapi import APIRouter, Body

from services.medication import examples, taper_preview
from services.medication.calculator import while_serving
from services.medication.taper_preview import TaperAnswer, TaperRequest

router = APIRouter(tags=["taper previews"], lifespan=while_serving)


@router.post("/taper-previews")
async def preview_taper(
    body: Annotated[TaperRequest, Body(openapi_examples=examples.TAPER_PREVIEW)],
) -> TaperAnswer:
    """Which dispensable schedule is the smoothest under the caps, or why is there none? Nothing is recorded."""
    return await taper_preview.answer_to(body)
