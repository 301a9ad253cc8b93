"""A fold turns the events of several topics into one value for each patient; a `stream` process runs it.

The parts: `fold_value` (what is kept, pure), `fold_guard` and `fold_lanes` (what makes sure that nothing is lost),
`fold_offsets` and `fold_app` (Faust, and all that we know about it). The process is `deploy.processes.stream`.
"""

from shared.fold_value import EMPTY, Fold, Reached, Value, fold_in, read, written

__all__ = ["EMPTY", "Fold", "Reached", "Value", "fold_in", "read", "written"]
