"""The smoothest schedule and conventional ways down, side by side: what each cuts, which rules it breaks, how even it is."""

from collections.abc import Callable, Sequence

from services.medication.smoothest import conventional
from services.medication.smoothest.calendar import Calendar
from services.medication.smoothest.conventional import Conventional
from services.medication.smoothest.doses import dispensable
from services.medication.smoothest.figures import smoothness
from services.medication.smoothest.parsing import Fields, parse
from services.medication.smoothest.preview import Answer, preview
from services.medication.smoothest.request import InvalidRequest, Request
from services.medication.smoothest.rules import violations

SHAPES_MAX = 12


def alternatives(body: object) -> Answer:
    """Answer a `question` in the wire format of a preview, and each of the `shapes`; a bad one is `status: invalid`.

    A shape that says no number of steps has as many as the smoothest schedule, or as the question allows where there is none.
    """
    try:
        question, ways = _read(body)
        request = _within("question", lambda: parse(question))
        allowed = _within("question", lambda: dispensable(request))
    except InvalidRequest as wrong:
        return {"status": "invalid", "field": wrong.field, "detail": wrong.detail}
    answer = preview(question)
    if answer["status"] == "too_large":
        return answer
    steps = answer.get("steps", request.steps_max)
    others = ways if request.target in allowed else ()
    return {
        "status": "answered",
        "smoothest": answer,
        "alternatives": [_beside(request, allowed, way, way.steps or steps) for way in others],
    }


def _beside(request: Request, allowed: Sequence[int], way: Conventional, steps: int) -> Answer:
    rungs = conventional.ladder(request, allowed, way, steps)
    doses = [one.dose for one in rungs]
    return {
        **conventional.written(way, rungs, request.target),
        "starts_on_day": Calendar(request).starts(steps),
        "smoothness": smoothness(request.scale, doses),
        "violations": violations(request, allowed, doses),
    }


def _read(body: object) -> tuple[object, tuple[Conventional, ...]]:
    fields = Fields(body, "", "question shapes")
    if len(fields.many("shapes")) > SHAPES_MAX:
        raise fields.wrong("shapes", f"at most {SHAPES_MAX} shapes")
    return fields.anything("question"), fields.each("shapes", conventional.FIELDS, conventional.read)


def _within[T](place: str, read: Callable[[], T]) -> T:
    """What `read` refuses is refused with its place."""
    try:
        return read()
    except InvalidRequest as wrong:
        raise InvalidRequest(f"{place}.{wrong.field}".rstrip("."), wrong.detail) from wrong
