"""A ward that only counts: its fold shows every event that was lost, and every event that was taken twice."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from shared.event import AnyRecorded, event
from shared.fold import Fold

VOCABULARY = __name__
SERVICES = ("north", "south", "west")


@event()
class Counted:
    """Something was counted. `act` is what happens to the process that folds it."""

    note: str
    amount: int
    act: str = ""


def apply(facts: dict[str, Any], recorded: AnyRecorded) -> dict[str, Any]:
    counted: Counted = recorded.data
    perform(counted.act)
    times = facts.get("times", {})
    return {
        "times": {**times, counted.note: times.get(counted.note, 0) + 1},
        "sum": facts.get("sum", 0) + counted.amount,
    }


def figures(facts: dict[str, Any]) -> dict[str, Any]:
    return {"events": sum(facts.get("times", {}).values()), "sum": facts.get("sum", 0)}


def more_figures(facts: dict[str, Any]) -> dict[str, Any]:
    return figures(facts) | {"notes": len(facts.get("times", {}))}


def perform(act: str) -> None:
    """`raise`, `sleep:SECONDS`, `raise-until:FILE`, or once only, a file remembering it: `kill:FILE`, `hang:FILE`, `stumble:FILE`."""
    verb, _, argument = act.partition(":")
    match verb:
        case "raise":
            raise ValueError(act)
        case "raise-until" if not Path(argument).exists():
            raise ValueError(act)
        case "sleep":
            time.sleep(float(argument))
        case "kill" if first_time(argument):
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang" if first_time(argument):
            time.sleep(600)
        case "stumble" if first_time(argument):
            raise ConnectionError(act)
        case _:
            pass


def first_time(flag: str) -> bool:
    """True once for each file."""
    path = Path(flag)
    if path.exists():
        return False
    path.touch()
    return True


def ward_fold(name: str, vocabulary: Any, version: int = 1) -> Fold:
    """The fold over the three topics of the ward `name`; the second version adds a figure, the third takes it back."""
    topics = {f"{service}.{name}": vocabulary for service in SERVICES}
    more = more_figures if version == 2 else figures
    return Fold(f"{name}-values-v{version}", topics, f"{name}.values.v{version}", apply, more)
