"""Routes: tapers, calculated and not recorded."""

from typing import Annotated

from fastapi import APIRouter, Body

from services.medication import examples, taper_preview
from services.medication.calculator import while_serving
from services.medication.svg import Svg
from services.medication.taper_preview import Alternatives, AlternativesRequest, TaperAnswer, TaperRequest

router = APIRouter(tags=["taper previews"], lifespan=while_serving)


@router.post("/taper-previews")
async def preview_taper(
    body: Annotated[TaperRequest, Body(openapi_examples=examples.TAPER_PREVIEW)],
) -> TaperAnswer:
    """Which dispensable schedule is the smoothest under the caps, or why is there none? Nothing is recorded."""
    return await taper_preview.answer_to(body)


@router.post("/taper-alternatives")
async def compare_tapers(
    body: Annotated[AlternativesRequest, Body(openapi_examples=examples.TAPER_ALTERNATIVES)],
) -> Alternatives:
    """How do conventional ways down compare with the smoothest, and which rules does each break? Nothing is recorded."""
    return await taper_preview.side_by_side(body)


@router.post("/taper-alternatives/plot.svg", response_class=Svg)
async def plot_tapers(
    body: Annotated[AlternativesRequest, Body(openapi_examples=examples.TAPER_ALTERNATIVES)],
) -> bytes:
    """What do they look like, dose and effect over time? Nothing is recorded."""
    return await taper_preview.pictured(body)
