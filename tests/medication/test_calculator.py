"""Calculations beside the API: bounded in number and in time, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.medication.calculator import CalculationInterrupted, CalculationTooLong, Calculator, CalculatorBusy

PARENT = """
import asyncio, os, sys
from services.medication.calculator import Calculator
from tests.medication.test_calculator import process_of

async def main():
    print(await Calculator().answer(process_of, None), flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


def process_of(_: object) -> int:
    return os.getpid()


def begun(file: Path) -> Path:
    return file.with_suffix(".begun")


def seen(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def wait_for(file: Path) -> str:
    begun(file).touch()
    seen(file)
    return file.read_text()


def never(_: object) -> None:
    while True:
        pass


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def double(number: int) -> int:
    return 2 * number


@pytest.fixture
async def calculator() -> AsyncIterator[Calculator]:
    one = Calculator(waiting_max=2)
    yield one
    one.close()


async def test_calculations_run_in_one_process_of_their_own(calculator: Calculator) -> None:
    first, second = await calculator.answer(process_of, None), await calculator.answer(process_of, None)

    assert first == second != os.getpid()


async def test_beyond_the_limit_a_caller_is_told_to_come_again(calculator: Calculator, tmp_path: Path) -> None:
    file = tmp_path / "go"
    waiting = [asyncio.create_task(calculator.answer(wait_for, file)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(CalculatorBusy) as refused:
        await calculator.answer(double, 1)

    assert refused.value.facts == {"calculations_waiting_max": 2}
    file.write_text("done")
    assert await asyncio.gather(*waiting) == ["done", "done"]
    assert await calculator.answer(double, 21) == 42


async def test_who_goes_away_leaves_the_place_taken_until_the_calculation_ends(
    calculator: Calculator, tmp_path: Path
) -> None:
    file = tmp_path / "go"
    gone = asyncio.create_task(calculator.answer(wait_for, file))
    stays = asyncio.create_task(calculator.answer(wait_for, file))
    await asyncio.to_thread(seen, begun(file))
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(CalculatorBusy):
        await calculator.answer(double, 1)
    file.write_text("done")
    assert await stays == "done"


async def test_a_calculation_ends_when_its_time_is_over() -> None:
    hasty = Calculator(seconds_max=0.2)
    try:
        with pytest.raises(CalculationTooLong) as refused:
            await hasty.answer(never, None)
        assert refused.value.facts == {"calculation_seconds_max": 0.2}
        assert await hasty.answer(double, 21) == 42
    finally:
        hasty.close()


async def test_a_process_that_was_killed_is_followed_by_another(calculator: Calculator) -> None:
    with pytest.raises(CalculationInterrupted):
        await calculator.answer(die, None)

    assert await calculator.answer(double, 21) == 42


def test_the_process_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "."})
    assert parent.stdout is not None
    with parent, parent.stdout as said:
        child = int(said.readline())
        parent.kill()

    for _ in range(1000):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.01)
    pytest.fail("the calculation's process is still there")
