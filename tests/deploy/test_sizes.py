"""The sizes that keep files readable and the kernel small are held where nobody has to remember them."""

import subprocess
from pathlib import Path

import pytest

from deploy import sizes


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A repository with 5 lines of kernel and 5 of a service's words."""
    for name in ("shared/lanes.py", "shared/events/intake.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('"""Reasons are free."""\n\n# So is this.\n' + "pass\n" * 5)
    subprocess.run("git init --quiet && git add .", shell=True, cwd=tmp_path, check=True)
    return tmp_path


def test_this_repository_keeps_its_sizes() -> None:
    assert list(sizes.too_large(Path(__file__).parents[2])) == []


def test_the_kernel_has_a_budget_and_the_services_words_are_not_in_it(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "KERNEL_CODE_LINES_MAX", 5)
    assert list(sizes.too_large(kept)) == []

    monkeypatch.setattr(sizes, "KERNEL_CODE_LINES_MAX", 4)
    assert list(sizes.too_large(kept)) == ["shared/: 5 lines of code, at most 4"]


def test_a_file_or_function_that_grew_is_named(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "FILE_LINES_MAX", 4)
    monkeypatch.setattr(sizes, "FUNCTION_LINES_MAX", 2)
    (kept / "shared/lanes.py").write_text("def lane() -> int:\n    pass\n    return 1\n")

    assert list(sizes.too_large(kept)) == [
        "shared/events/intake.py: 8 lines, at most 4",
        "shared/lanes.py:1: lane has 3 lines, at most 2",
    ]
