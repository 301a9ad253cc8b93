"""What a taper could look like, without a service running: a request on standard input, the answer on standard output."""

import json
import sys
from typing import Final

import typer

app = typer.Typer(help="Tapers, calculated and not recorded.", no_args_is_help=True)

EXIT_CODES: Final = {"optimal": 0, "infeasible": 0, "invalid": 2, "too_large": 3}
REQUEST_CHARACTERS_MAX: Final = 1_048_576


@app.command()
def preview() -> None:
    """The smoothest dispensable schedule for the request on standard input, or why there is none.

    Exit code 0 when the question has an answer, 2 when the request is invalid, 3 when it is too large to be answered exactly.
    """
    from services.medication.smoothest.preview import preview as answer_to  # noqa: PLC0415 - only this command needs it

    text = sys.stdin.read(REQUEST_CHARACTERS_MAX + 1)
    try:
        if len(text) > REQUEST_CHARACTERS_MAX:
            raise ValueError(f"a request has at most {REQUEST_CHARACTERS_MAX} characters")  # noqa: TRY301
        answer = answer_to(json.loads(text))
    except (ValueError, RecursionError) as wrong:
        answer = {"status": "invalid", "field": "", "detail": f"the request is not JSON: {wrong}"}
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    raise typer.Exit(EXIT_CODES[answer["status"]])
