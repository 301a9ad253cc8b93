"""Long calculations run in one process of their own, so that whoever waits for a dose never waits for one of them.

The process starts with the first calculation and is niced. It ends with its parent, also when that one is killed.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from shared.failures import Busy, TooLarge

SECONDS_MAX: Final = 10.0
"""How long one calculation may take."""

WAITING_MAX: Final = 8
"""Calculations under way or waiting in one API process; whoever comes then is told to come again."""

NICENESS: Final = 10


class CalculatorBusy(Busy):
    """Too many calculations are waiting; try again."""


class CalculationInterrupted(Busy):
    """The calculation was interrupted; try again."""


class CalculationTooLong(TooLarge):
    """The question is too large to be answered exactly in the time that a calculation may take."""


class Calculator:
    """At most `waiting_max` calculations, one after the other, `seconds_max` each."""

    def __init__(self, waiting_max: int = WAITING_MAX, seconds_max: float = SECONDS_MAX) -> None:
        self._waiting_max, self._seconds_max = waiting_max, seconds_max
        self._waiting = 0
        self._executor: ProcessPoolExecutor | None = None

    async def answer[T](self, function: Callable[[Any], T], question: object) -> T:
        """`function(question)`, both importable and picklable. Raises CalculatorBusy, CalculationInterrupted, CalculationTooLong."""
        if self._waiting >= self._waiting_max:
            raise CalculatorBusy(calculations_waiting_max=self._waiting_max)
        executor = self._executor = self._executor or _one_process()
        self._waiting += 1
        try:
            future = executor.submit(_timed, function, question, self._seconds_max)
        except BrokenExecutor as error:
            self._waiting -= 1
            raise self._interrupted(executor) from error
        # Not when the caller goes away: what is calculated for nobody occupies the process all the same.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._one_less))
        try:
            return await asyncio.wrap_future(future)
        except BrokenExecutor as error:
            raise self._interrupted(executor) from error
        except _TimeIsOver as error:
            raise CalculationTooLong(calculation_seconds_max=self._seconds_max) from error

    def close(self) -> None:
        """Let the process go; the next calculation would start another one."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def _one_less(self) -> None:
        self._waiting -= 1

    def _interrupted(self, executor: ProcessPoolExecutor) -> CalculationInterrupted:
        """The process was killed, perhaps for its memory; the next calculation starts another one."""
        if self._executor is executor:
            self.close()
        return CalculationInterrupted()


class _TimeIsOver(Exception):  # noqa: N818 - it crosses from the process to the caller, who says it in the caller's words
    """A calculation took longer than it may."""


def _one_process() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_settle_in)


def _settle_in() -> None:
    """In the new process: behind everybody else, deaf to the terminal's Ctrl-C, and never without its parent."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _ring)
    threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)


def _ring(*_: object) -> None:
    raise _TimeIsOver


def _timed[T](function: Callable[[Any], T], question: object, seconds_max: float) -> T:
    signal.setitimer(signal.ITIMER_REAL, seconds_max)
    try:
        return function(question)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


calculator: Final = Calculator()


@asynccontextmanager
async def while_serving(_app: object) -> AsyncIterator[None]:
    """For as long as the API serves."""
    try:
        yield
    finally:
        calculator.close()
