"""Routes: tapers, calculated and not recorded, and the guidelines that they are held to."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Query

from services.medication import examples, taper_preview
from services.medication.calculator import while_serving
from services.medication.svg import Svg
from services.medication.taper_policies import TaperPolicy, taper_policies
from services.medication.taper_preview import Alternatives, AlternativesRequest, TaperAnswer, TaperRequest
from shared.http import Queries
from shared.units import Code


@dataclass(frozen=True)
class TaperTemplates:
    """Tapers by guideline, each in its newest version."""

    items: list[TaperPolicy]


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


@router.get("/taper-templates")
async def list_taper_templates(
    _door: Queries, medicine: Annotated[Code | None, Query(examples=["methadone"])] = None
) -> TaperTemplates:
    """By which guidelines is a medicine tapered, how fast at most, and where does that come from?"""
    return TaperTemplates([one for one in taper_policies().values() if medicine is None or medicine in one.medicines])
