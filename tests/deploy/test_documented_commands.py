"""Every command that a page shows exists, with the options and the arguments that the page gives it."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from deploy.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = typer.main.get_command(app)
# Up to a comment, a pipe, a file that is read or written, or what a block says of it two spaces behind.
SHOWN = re.compile(r"(?:\.venv/bin/)?evenkeel((?: (?!\||&&|#|<|>)[^\s;]+)*)")
SPANS = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
GENERATED = "commands.md"


def shown(page: Path) -> list[str]:
    """The words after `evenkeel` of every command in code on a page."""
    code = [block or span for block, span in SPANS.findall(page.read_text())]
    lines = [line.strip().removeprefix("$ ") for text in code for line in text.replace("\\\n", " ").splitlines()]
    return [match[1].strip() for line in lines if (match := SHOWN.match(line))]


def fault(words: str) -> str | None:
    """Why a command as shown would not be understood, if so. What a page puts in brackets may be left out."""
    rest = [word for word in shlex.split(words.replace("[", "").replace("]", "")) if word != "…"]
    command, context = COMMAND, typer.Context(COMMAND)
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return f"there is no command {name!r}"
        command, context = found, typer.Context(found, parent=context)
    try:
        _, left, _ = command.make_parser(context).parse_args(rest)
    except TyperException as error:
        return str(error)
    return f"too many arguments: {left}" if left else None


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != GENERATED], ids=lambda page: page.name)
def test_each_shown_command_is_understood(page: Path) -> None:
    faults = {words: fault(words) for words in shown(page)}
    assert not {words: why for words, why in faults.items() if why}


def test_a_command_option_or_argument_that_does_not_exist_is_noticed() -> None:
    assert fault("projections list") == "there is no command 'projections'"
    assert "No such option" in (fault("verify --exports FILE") or "")
    assert fault("projection build intake intake intake") == "too many arguments: ['intake']"
    assert fault("parked edit intake NUMBER FILE --author NAME --reason WHY") is None


def test_each_command_is_on_the_operators_page() -> None:
    """A command that is only in the generated list would be one that nobody is told when to use."""
    page = shown(ROOT / "docs" / "operations.md")
    names = [
        f"{name} {below}".strip()
        for name, command in COMMAND.commands.items()  # type: ignore[attr-defined]
        for below in (command.commands if isinstance(command, TyperGroup) else [""])
    ]
    assert not [name for name in names if not any(words == name or words.startswith(f"{name} ") for words in page)]
