"""`make traps`: which test stands behind which trap, read from the tests' own docstrings into docs/reliability/traps.md."""

import ast
import re
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.planted import MUTANTS

TESTS: Final = Path("tests")
PAGE: Final = Path("docs/reliability/traps.md")

TRAPS: Final = {
    "T1": "an event that commits late, with a lower position, is skipped",
    "T2": "one stream's events come out of order",
    "T3": "a rollback leaves a hole",
    "T4": "two appends over several streams wait for each other",
    "T5": "an update is lost",
    "T6": "the relay dies after sending, before the cursor moves",
    "T7": "a second relay",
    "T8": "a stale relay moves the cursor",
    "T9": "the projector dies between apply and checkpoint",
    "T10": "two consumers of one partition",
    "T11": "a gap in the topic",
    "T12": "the group's offsets are reset",
    "T13": "history diverges: a restored backup, a failover",
    "T14": "an exception in an agent: stock Faust commits past the event",
    "T15": "a value that cannot be decoded",
    "T16": "the stream processor's settings drift",
    "T17": "SIGTERM in the middle of an event",
    "T18": "SIGKILL before the changelog's record is out",
    "T19": "SIGKILL before the offset is committed",
    "T20": "Faust's web server shows the tables",
    "T21": "a worker runs but consumes nothing",
    "T22": "lanes are dealt anew while the state is recovered",
    "T23": "the changelog has other partitions than its source",
    "T24": "another partitioner",
    "T25": "a codec is missing in an image",
    "T26": "a C extension is missing in an image",
    "T27": "one poisoned patient blocks all",
    "T28": "parked events are replayed out of order, or twice, or not at all",
    "T29": "a bad deploy empties the topic into parking",
    "T30": "nobody sees that something is parked",
    "T31": "the idempotency key: another body, at the same time, after a crash",
    "T32": "a decision on what the caller saw long ago",
    "T33": "whoever wrote does not read it",
    "T34": "waiting for a projection costs too much, or ends in an error",
    "T35": "a rebuild differs from what runs, or cannot be taken back",
    "T36": "a rebuild acts on the outside once more",
    "T37": "old events cannot be read any more",
    "T39": "a schema breaks those who read it",
    "T40": "erasure leaves copies",
    "T41": "caches remember an erased patient",
    "T42": "what is entered late",
    "T43": "the correction of a correction",
    "T44": "daylight saving moves a date",
    "T46": "a timer fires twice",
    "T49": "an event without a value is a tombstone on a compacted topic",
    "T50": "a site sees another site's patients",
    "T51": "a long transaction in another database stops the relay",
    "T52": "a pooler in transaction mode breaks the locks",
    "T53": "an event is too large for the broker",
    "T54": "clocks differ",
    "P1": "the broker's data is lost",
    "I8": "a dose is given twice",
    "I9": "milligrams appear or vanish",
    "H1": "bad input",
}
HELD_HERE: Final = frozenset(
    {*(f"T{number}" for number in range(1, 37)), "T49", "T51", "T52", "T53", "T54", "P1", "I8"}
)
"""Traps that a change may not leave without a test."""
_MENTIONED: Final = re.compile(r"\b(T\d{1,2}|P1|I8|I9|H1)\b(?: to (T\d{1,2})\b)?")
_BITES: Final = re.compile(
    r"the test above bites|known to bite|guards? (?:is |are )?(?:removed|gone)|mutant|_(?:is|are)_(?:caught|noticed)$"
)


@dataclass(frozen=True, order=True)
class Case:
    """One test, as pytest would be told; or a whole file whose first sentence names the trap."""

    where: str
    bites: bool
    """It removes the guard and sees that this is noticed."""


def mentioned(words: str) -> Iterator[str]:
    """The traps that a docstring names, `T27 to T30` one by one."""
    for first, last in _MENTIONED.findall(words):
        if last:
            yield from (f"T{number}" for number in range(int(first[1:]), int(last[1:]) + 1))
        else:
            yield first


def cases(folder: Path = TESTS) -> dict[str, list[Case]]:
    """Trap to its tests."""
    found: defaultdict[str, set[Case]] = defaultdict(set)
    for path in sorted(folder.rglob("test_*.py")):
        module = ast.parse(path.read_text())
        for trap in mentioned(ast.get_docstring(module) or ""):
            found[trap].add(Case(str(path), bites=False))
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                words = ast.get_docstring(node) or ""
                case = Case(f"{path}::{node.name}", bites=bool(_BITES.search(f"{words} {node.name}")))
                for trap in mentioned(words):
                    found[trap].add(case)
    return {trap: sorted(those) for trap, those in found.items()}


def untested(found: dict[str, list[Case]]) -> list[str]:
    """Traps that are held here and have no test, in order."""
    return [trap for trap in TRAPS if trap in HELD_HERE and not found.get(trap)]


def page(found: dict[str, list[Case]]) -> str:
    """The table as a page of the documentation."""
    planted: defaultdict[str, list[str]] = defaultdict(list)
    for one in MUTANTS:
        for trap in one.traps.split():
            planted[trap].append(f"planted: {one.name}")
    lines = [
        "# Traps and their tests",
        "",
        "Each of these was seen to bite, here or in a known project. This page is written by `make traps` from the docstrings of the tests; `make check` says when it is",
        "out of date, or when a trap has lost its last test. In the last column: tests that remove the guard and see that this is noticed, and bugs that",
        "`make chaos-planted` plants ([table](planted.md)).",
        "",
        "| trap | what bites | tests | with the guard removed |",
        "|---|---|---|---|",
    ]
    for trap, what in TRAPS.items():
        tests = [f"`{one.where}`" for one in found.get(trap, []) if not one.bites]
        bites = [f"`{one.where}`" for one in found.get(trap, []) if one.bites] + planted[trap]
        if tests or bites:
            lines.append(f"| {trap} | {what} | {'<br>'.join(tests)} | {'<br>'.join(bites)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page, or check that it is as it would be written."""
    parser = ArgumentParser(prog="python -m tests.faults.traps", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when the page is out of date")
    asked = parser.parse_args()
    found = cases()
    missing = untested(found)
    if missing:
        sys.exit(f"No test names {', '.join(missing)} in its docstring")
    if not asked.check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found))
    elif not PAGE.exists() or PAGE.read_text() != page(found):
        sys.exit(f"{PAGE} is out of date: run `make traps`")
    print(f"✓ traps: {len(HELD_HERE)} of {len(HELD_HERE)} have tests")  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
