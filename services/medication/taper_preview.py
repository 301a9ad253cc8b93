"""A taper, calculated and not recorded: the question as it is asked over HTTP, and the answer or why there is none."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import WithJsonSchema

from services.medication.calculator import calculator
from services.medication.plot_alternatives import drawn
from services.medication.smoothest.alternatives import alternatives
from services.medication.smoothest.preview import preview
from shared.failures import Invalid, TooLarge

_WIRE: Final = yaml.safe_load((Path(__file__).parent / "smoothest" / "wire.yaml").read_text())

# Both are in the specification's own format, whose fields are read, in its order, where the answer is calculated.
type TaperRequest = Annotated[dict[str, Any], WithJsonSchema(_WIRE["request"])]
type TaperAnswer = Annotated[dict[str, Any], WithJsonSchema(_WIRE["answer"])]
type AlternativesRequest = Annotated[dict[str, Any], WithJsonSchema(_WIRE["alternatives_request"])]
type Alternatives = Annotated[dict[str, Any], WithJsonSchema(_WIRE["alternatives_answer"])]

_FIELD: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")


class TaperTooLarge(TooLarge):
    """The exact optimum would need more states than are calculated; longer steps or fewer doses make it smaller."""


async def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """The smoothest schedule, or why there is none. Raises Invalid for the first wrong field, TaperTooLarge, and what the calculator raises."""
    return good(await calculator.answer(preview, request))


async def side_by_side(request: dict[str, Any]) -> dict[str, Any]:
    """The smoothest schedule beside conventional ways down. Raises as `answer_to`."""
    return good(await calculator.answer(alternatives, request))


async def pictured(request: dict[str, Any]) -> bytes:
    """The same as a picture. Raises as `answer_to`."""
    svg: str = good(await calculator.answer(drawn, request))["picture"]
    return svg.encode()


def good(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, unless it is a refusal. Raises Invalid and TaperTooLarge."""
    match answer["status"]:
        case "invalid":
            # An unknown field may be named for a person.
            field = answer["field"] if _FIELD.fullmatch(answer["field"]) else "(unknown)"
            raise Invalid(answer["detail"], field=field)
        case "too_large":
            raise TaperTooLarge
        case _:
            return answer
