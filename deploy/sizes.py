"""Holds the house's sizes: files and functions stay small enough to be read in one sitting."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILE_LINES_MAX: Final = 300
FUNCTION_LINES_MAX: Final = 40
# `wc -l` of the Python in shared/ without the words of the services in shared/events/. The kernel is what every service
# stands on and whoever changes it has to know: it gets smaller, or somebody decides here that it may grow.
KERNEL_LINES_MAX: Final = 6_350


def too_large(root: Path) -> Iterator[str]:
    """One sentence for the kernel and per file or function over its limit, among the files that git tracks."""
    kernel = 0
    command = ["git", "ls-files", "*.py", "*.sql", "*.sh"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - the machine's git
    for name in listed.stdout.splitlines():
        path = root / name
        if not path.exists():
            continue
        text = path.read_text()
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{name}: {lines} lines, at most {FILE_LINES_MAX}"
        if path.suffix == ".py":
            yield from _functions(name, text)
            kernel += lines if name.startswith("shared/") and not name.startswith("shared/events/") else 0
    if kernel > KERNEL_LINES_MAX:
        yield f"shared/: {kernel} lines, at most {KERNEL_LINES_MAX}"


def _functions(name: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


if __name__ == "__main__":
    found = list(too_large(Path(__file__).parent.parent))
    print("\n".join(found) or "✓ sizes")  # noqa: T201 - a command's output
    sys.exit(1 if found else 0)
