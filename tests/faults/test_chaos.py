"""A minute of `make chaos`, and three planted bugs that its checker has to notice: the harness proves itself in every test run."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.embedded import open_folder
from tests.faults.chaos import Run
from tests.faults.ground import Ground, ground
from tests.faults.ledger import Ledger
from tests.faults.planted import MUTANTS, Planted
from tests.faults.playing import planting, played
from tests.system import until

SEED: Final = 18515
"""Thirteen faults of all of these kinds in its first minute."""
KINDS: Final = ("kill", "terminate", "pause", "second-copy", "network-cut", "broker-lost", "postgres-stop")
ROUNDS_MAX: Final = 3
pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Prepared:
    """A running system that can be broken, and the file that says which bugs its processes start with."""

    ground: Ground
    planted: Path

    def restart(self, name: str, bugs: str) -> None:
        """The process dies; the one that takes its place has these bugs."""
        self.planted.write_text(bugs)
        system = self.ground.system
        before = system.process(name)["pid"]
        assert system.kill(name, signal.SIGKILL)
        until(lambda: system.process(name)["pid"] not in {None, before} and system.is_ready())


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    with open_folder() as folder:
        planted = folder / "planted"
        planted.touch()
        with ground(folder, **planting(str(planted))) as made:
            yield Prepared(made, planted)


async def test_a_minute_of_faults_breaks_no_promise(prepared: Prepared) -> None:
    """P1, T1 to T12, T18, T19, T31, I8 together: all processes under load, some killed, the broker's data deleted."""
    result = await Run(prepared.ground, Ledger(SEED), minutes=1.0, kinds=KINDS).run()

    assert result.violations == []
    assert result.checks == 1
    assert result.faults["broker-lost"] == 1
    assert result.faults["kill"] >= 3, result.faults
    assert sum(result.faults.values()) >= 9, result.faults
    assert len(result.faults) >= 6, result.faults
    assert result.events >= 1_000
    assert result.commands >= 300


async def test_an_answer_before_the_commit_is_noticed(prepared: Prepared) -> None:
    prepared.restart("scheduling-api", "acknowledge-before-commit")

    found, _ = await played(prepared.ground, _named("acknowledge before commit"), rounds_max=ROUNDS_MAX, seed=SEED + 1)
    prepared.restart("scheduling-api", "")

    assert "acknowledged" in {one.rule for one in found}


async def test_rows_without_the_wall_between_sites_are_noticed(prepared: Prepared) -> None:
    found, _ = await played(prepared.ground, _named("site filter dropped"), rounds_max=ROUNDS_MAX, seed=SEED + 2)

    assert "site" in {one.rule for one in found}


async def test_a_slot_that_is_given_twice_is_noticed(prepared: Prepared) -> None:
    """I8."""
    prepared.restart("medication-api", "slot-not-unique")

    found, _ = await played(prepared.ground, _named("slot uniqueness dropped"), rounds_max=ROUNDS_MAX, seed=SEED + 3)

    assert "slot" in {one.rule for one in found}


def _named(name: str) -> Planted:
    (planted,) = (one for one in MUTANTS if one.name == name)
    return planted
