"""Watches a fold from a thread of its own, and ends the process when it runs but does not move."""

import asyncio
import contextlib
import threading
from typing import Any, Final

from faust.types import TP

from shared.fold_app import FoldLimits
from shared.fold_guard import Guard, die
from shared.fold_lanes import Lane, now
from shared.fold_metrics import HALTED, LAG, LANES, Outcome
from shared.health import Finding

THREAD_LOOK_SECONDS: Final = 0.5
OFFSETS_TIMEOUT_SECONDS: Final = 5.0


class Watch:
    """Looks at the app from within its loop, and at the loop from a thread."""

    def __init__(self, app: Any, limits: FoldLimits) -> None:
        self.app = app
        self.guard: Guard = app.guard
        self.limits = limits
        self.beat_at = self.assigned_at = self.moved_at = now()
        self.lag: dict[Lane, int] = {}
        self._moved: object = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to watch; the thread ends with the process or with `stop`."""
        threading.Thread(target=self._watch_loop, name="fold-watch", daemon=True).start()

    def stop(self) -> None:
        """Look away: the process is on its way out and has its own time limit for that."""
        self._ended.set()

    def _watch_loop(self) -> None:
        while not self._ended.wait(THREAD_LOOK_SECONDS):
            if (complaint := self.complaint(now())) is not None:
                die(complaint)

    def complaint(self, at: float) -> str | None:
        """Why the process must end, or None."""
        if at - self.beat_at > self.limits.stuck_seconds_max:
            return "the event loop stands still"
        if any(at - entry.opened_at > self.limits.stuck_seconds_max for entry in self.guard.in_hand):
            return "an event does not get out of hand"
        if at - self.moved_at > self.limits.stuck_seconds_max:
            return "there is work and nothing moves"
        return None

    async def look(self) -> None:
        """Look every few seconds; runs until it is cancelled."""
        while True:
            self.guard.beat()
            self.beat_at = now()
            await self._look_once()
            await asyncio.sleep(self.limits.look_seconds)

    async def _look_once(self) -> None:
        if self.guard.readings:
            self.assigned_at = now()
        elif now() - self.assigned_at > self.limits.unassigned_seconds_max:
            await self.app.consumer.leave()
            die("no lane is assigned")
        LANES.set(len(self.guard.readings))
        HALTED.set(len(self.guard.halted))
        LAG.set(sum(self.lag.values()))
        settling = self.app.rebalancing or self.app.in_recovery or not self.app.tables.recovery.completed.is_set()
        with contextlib.suppress(
            Exception
        ):  # a broker that cannot be asked: nothing is known, and nothing is wrong here
            await asyncio.wait_for(self._ask_offsets(), OFFSETS_TIMEOUT_SECONDS)
        moved = (sum(self.guard.counts.values()), self.app.consumer_generation_id, self._left_to_recover())
        if moved != self._moved or not (settling or any(self.lag.values())):
            self._moved, self.moved_at = moved, now()

    def _left_to_recover(self) -> int:
        try:
            return int(self.app.tables.recovery.active_remaining_total())
        except TypeError:  # between two assignments some offsets are not known
            return 0

    async def _ask_offsets(self) -> None:
        self.lag = {lane: behind for lane, behind in self.lag.items() if lane in self.guard.readings}
        readings, outputs = dict(self.guard.readings), dict(self.guard.output_ends)
        if not readings or self.app.rebalancing:
            return
        await self._look_again()
        asked = [TP(*lane) for lane in readings] + [TP(self.guard.fold.output, lane) for lane in outputs]
        quiet = {lane for lane in outputs if not self._busy(lane)}
        ends = {tuple(tp): end for tp, end in (await self.app.consumer.highwaters(*asked)).items()}
        if self.app.rebalancing or self.guard.readings.keys() != readings.keys():
            return
        self.lag = {
            lane: max(0, ends[lane] - reading.next_offset) for lane, reading in readings.items() if not reading.halted
        }
        for lane in quiet:
            unchanged = self.guard.output_ends.get(lane) == outputs[lane] and not self._busy(lane)
            if unchanged and ends[self.guard.fold.output, lane] != outputs[lane]:
                await self.guard.foreign_write(lane)

    async def _look_again(self) -> None:
        """A relay puts a lane that begins in the middle right, by deleting what is there: then begin with what came instead."""
        halted = [TP(*lane) for lane in self.guard.halted]
        begins = await self.app.consumer.earliest_offsets(*halted) if halted else {}
        if any(begins[lane] > self.guard.readings[lane].begins for lane in halted):
            die("a halted lane begins anew")

    def _busy(self, lane: int) -> bool:
        if lane in self.guard.replaying:
            return True
        return any(reading.open for (_, partition), reading in self.guard.readings.items() if partition == lane)

    async def check(self) -> Finding:
        """For `/readyz`: ready when lanes are assigned, recovered and none of them halted."""
        app, guard = self.app, self.guard
        lanes = sorted({partition for _, partition in guard.readings})
        ready = bool(lanes) and not guard.halted and not app.rebalancing and not app.in_recovery
        facts = {
            "lanes": lanes,
            "lag": sum(self.lag.values()),
            "parked": guard.counts.get(Outcome.PARKED, 0),
            "halted": {f"{topic}/{partition}": why for (topic, partition), why in guard.halted.items()},
            "looked_seconds_ago": round(now() - self.beat_at, 1),
        }
        return Finding(ready, facts)
