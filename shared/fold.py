"""A fold turns the events of several topics into one value for each patient; `run_stream` runs it as a process.

The parts: `fold_value` (what is kept, pure), `fold_guard` and `fold_lanes` (what makes sure that nothing is lost),
`fold_offsets` and `fold_app` (Faust, and all that we know about it), `fold_watch` and `fold_process`.
"""

import importlib
from typing import TYPE_CHECKING

from shared.fold_value import EMPTY, Fold, Reached, Value, fold_in, read, written

if TYPE_CHECKING:
    from shared.service import Service

__all__ = ["EMPTY", "Fold", "Reached", "Value", "fold_in", "read", "run_stream", "written"]


def run_stream(service: "Service") -> None:
    """Run the service's fold until the process is told to stop. Settings come from the environment."""
    # Faust is loaded only by the process that runs it: the API reads `Fold` as well.
    importlib.import_module("shared.fold_process").run_service(service)
