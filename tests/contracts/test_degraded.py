"""Whatever is answered about a patient says when events of the patient are missing in it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from fastapi.routing import iter_route_contexts

from deploy.databases import SERVICES

# Folded from the log itself when they are asked for: nothing that is stored can be missing in them.
FOLDED = {
    "AssessmentSheet",
    "DetoxSheet",
    "DosingAuthority",
    "GateSheet",
    "MissedDoses",
    "EpisodeSheet",
    "EvaluationSheet",
    "Findings",
    "OrderSheet",
    "PatientRecord",
    "PlanSheet",
    "TaperSheet",
}
# Made of lines that say it.
COLLECTIONS = {"MedicationRecord"}


def shapes(annotation: Any) -> Iterator[type]:
    """Every dataclass within a response."""
    if get_origin(annotation) in (Union, UnionType) or get_args(annotation):
        for one in get_args(annotation):
            yield from shapes(one)
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield annotation
        hints = get_type_hints(annotation)
        for one in fields(annotation):
            yield from shapes(hints[one.name])


def silent(service: str) -> set[str]:
    """Shapes of answers with a patient's id that cannot say that they are degraded."""
    found, names_seen = set(), set[str]()
    for route in iter_route_contexts(import_module(f"services.{service}.main").SERVICE.router.routes):
        for shape in shapes(route.response_model) if "GET" in (route.methods or ()) else ():
            names = {one.name for one in fields(shape)}
            names_seen |= names
            if "patient_id" in names and "degraded_since" not in names:
                found.add(shape.__name__)
    assert "degraded_since" in names_seen, "these are not the routes that were meant"
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_from_rows_about_a_patient_carries_degraded_since(service: str) -> None:
    """T30: also lists and taper schedules."""
    assert silent(service) - FOLDED - COLLECTIONS == set()
