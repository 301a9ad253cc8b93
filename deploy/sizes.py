"""Holds the house's sizes: files and functions stay small enough to be read in one sitting."""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILE_LINES_MAX: Final = 300
FUNCTION_LINES_MAX: Final = 40
# Of the Python in shared/ without the words of the services in shared/events/. The kernel is what every service stands on and
# whoever changes it has to know: it gets smaller, or somebody decides here that it may grow. Blank lines, comments and
# docstrings do not count: a limit on those would reward leaving out the reasons.
KERNEL_CODE_LINES_MAX: Final = 3_999
_NOT_CODE: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


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
            if name.startswith("shared/") and not name.startswith("shared/events/"):
                kernel += code_lines(text)
    if kernel > KERNEL_CODE_LINES_MAX:
        yield f"shared/: {kernel} lines of code, at most {KERNEL_CODE_LINES_MAX}"


def code_lines(text: str) -> int:
    """The lines of a Python file that hold code."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NOT_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            held.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))  # a docstring
    return len(held)


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
