"""What a newcomer meets first: the list of chores, and a word about what is missing."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_bare_make_lists_every_chore() -> None:
    said = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    names = [line.split()[1] for line in said.splitlines()]
    assert {"setup", "run", "test", "check", "traps", "bench", "chaos", "chaos-planted", "up", "down", "clean"} <= set(
        names
    )
    assert all(len(line.split(maxsplit=2)) == 3 for line in said.splitlines())


def test_without_a_new_python_a_person_is_told_what_to_install(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYENV_ROOT": str(tmp_path)}
    hidden = {name: tmp_path / name for name in ("python3.12", "python3.13")}
    for path in hidden.values():
        path.symlink_to(old)

    done = subprocess.run(
        ["bash", ROOT / "deploy" / "find-python"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Python 3.12 or newer is needed" in done.stderr


def test_the_python_that_is_found_is_new_enough() -> None:
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "find-python"], env=os.environ, capture_output=True, text=True, check=True
    )

    asked = [done.stdout.strip(), "-c", "import sys; print(sys.version_info >= (3, 12))"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "True\n"


def test_ci_runs_what_the_readme_says() -> None:
    chores = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")]

    assert chores == ["make check", "make test"]
    assert "make test" in (ROOT / "README.md").read_text()
