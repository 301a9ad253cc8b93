"""One run: load, faults drawn from the seed, quiet points at which everything must agree, and the figures of the whole."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.demo.lag import lag
from tests.faults import check_log, check_rows, check_topics
from tests.faults.check_log import SERVICES, Tables, Violation
from tests.faults.ground import Ground
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.plan import faults
from tests.faults.surroundings import Surroundings

QUIET_EVERY_SECONDS: Final = 180.0
SETTLE_SECONDS_MAX: Final = 300.0
STILL_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 1.0
FOLLOWS: Final = frozenset({"rows", "topic", "parked"})
"""Rules about what follows the log: what differs now may agree in a moment. The others are broken for good."""

type Tell = Callable[[str], None]


@dataclass
class Result:
    """What a run found."""

    seed: int
    minutes: float
    events: int = 0
    patients: int = 0
    commands: int = 0
    requests: int = 0
    retries: int = 0
    checks: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    recovery_seconds: dict[str, list[float]] = field(default_factory=dict)


class Run:
    """A running system under load and faults."""

    def __init__(
        self,
        ground: Ground,
        ledger: Ledger,
        tell: Tell = lambda _: None,
        *,
        minutes: float = 1.0,
        kinds: Sequence[str] = (),
    ) -> None:
        """`tell` is given a line now and then; `kinds` of faults are all unless some are named."""
        self.system, self.ledger, self.tell = ground.system, ledger, tell
        self.seed, self.minutes = ledger.seed, minutes
        self.kinds = kinds
        self.load = Load(self.system.instance, ledger, f"chaos-{self.seed}")
        self.breaking = Surroundings(ground, ledger)
        self.violations: dict[Violation, None] = {}
        self.parked = frozenset[str]()
        """Patients of whom an event was planted that nobody can apply: nothing is expected of their rows."""
        self.checks = 0
        self.events = 0

    async def run(self) -> Result:
        """Until the time is over, everything is healed and the last check is made."""
        clock = asyncio.get_running_loop().time
        ends, quiet = clock() + self.minutes * 60, clock() + QUIET_EVERY_SECONDS
        load = asyncio.create_task(self.load.run(), name="load")
        for fault in faults(self.seed, self.minutes, self.kinds):
            await asyncio.sleep(min(fault.after_seconds, max(0.0, ends - clock())))
            if clock() >= ends or load.done():
                break
            if clock() >= quiet and ends - clock() > QUIET_EVERY_SECONDS / 2:
                await self.quiet_point()
                quiet = clock() + QUIET_EVERY_SECONDS
            if fault.kind in self.breaking.kinds:
                await self.breaking.do(fault)
            self.tell(self._status())
        self.load.end()
        await self.breaking.heal()
        await load
        await self.check()
        return self.result()

    async def quiet_point(self) -> None:
        """Commands wait, faults heal, everything settles; then all must agree."""
        self.load.going.clear()
        await self.breaking.heal()
        await self.check()
        self.load.going.set()

    async def check(self) -> None:
        """Everything has to agree, at the latest after SETTLE_SECONDS_MAX."""
        self.tell("Waiting until everything has settled")
        found = await self.settled(SETTLE_SECONDS_MAX, STILL_SECONDS)
        self.checks += 1
        self.violations |= dict.fromkeys(found)
        self.ledger.write("checked", violations=[f"{one.rule}: {one.what}" for one in found])

    async def settled(self, seconds_max: float, still_seconds: float) -> list[Violation]:
        """What differs when all is taken in; or when nothing has moved for `still_seconds`, or `seconds_max` are over."""
        clock = asyncio.get_running_loop().time
        end, moved_at, before = clock() + seconds_max, clock(), (0, frozenset[Violation]())
        try:
            await asyncio.to_thread(self.system.wait_until_ready, seconds_max)
        except AssertionError:
            return [*await self.look(), Violation("recovery", f"not everything was ready after {seconds_max:.0f} s")]
        while True:
            behind, found = (await lag(self.system.instance)).events, await self.look()
            self.ledger.write("looked", behind=behind, differ=len(found))
            if not behind and not any(one.rule in FOLLOWS for one in found):
                return found
            if (behind, frozenset(found)) != before:
                before, moved_at = (behind, frozenset(found)), clock()
            if clock() > end or clock() - moved_at > still_seconds:
                unread = [Violation("rows", f"{behind} events of a lane were not taken in")] if behind else []
                return found + unread
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> list[Violation]:
        """Everything that differs now."""
        tables = await self.tables()
        found = check_log.check(tables, self.ledger)
        found += await check_topics.check(self.system.kafka, tables)
        async with self.load.network("checker") as network:
            found += await check_rows.check(self.system, network, self.load.patients, tables, self.parked)
            found += await check_rows.strangers(network, self.load.patients)
        found += [Violation("refused", one) for one in self.ledger.refusals]
        found += [Violation("recovery", one) for one in self.breaking.never]
        return found

    async def tables(self) -> dict[str, Tables]:
        """The three logs."""
        tables = {service: await check_log.read(self.system, service) for service in SERVICES}
        self.events = sum(len(one.rows) for one in tables.values())
        return tables

    def result(self) -> Result:
        """The figures so far."""
        commands = self.ledger.commands.values()
        return Result(
            seed=self.seed,
            minutes=self.minutes,
            events=self.events,
            patients=self.load.finished,
            commands=sum(1 for one in commands if one.acknowledged),
            requests=self.ledger.requests,
            retries=sum(max(0, one.attempts - 1) for one in commands),
            checks=self.checks,
            faults=dict(self.ledger.faults),
            skipped=dict(self.ledger.skipped),
            violations=[f"{one.rule}: {one.what}" for one in self.violations],
            recovery_seconds={kind: list(found) for kind, found in self.breaking.recovered.items()},
        )

    def _status(self) -> str:
        broken, stored = (
            sum(self.ledger.faults.values()),
            sum(one.acknowledged for one in self.ledger.commands.values()),
        )
        return f"{broken} faults, {stored} commands, {self.load.finished} patients, {len(self.violations)} violations"
