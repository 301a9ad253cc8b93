"""The verifier as a process: seals the logs, verifies what is shown, and says on HTTP up to when everything was found right."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.instance import Instance
from deploy.processes.serving import serve_ops, told_to_stop
from deploy.proof.passes import whole
from deploy.proof.verifier import Findings, Verifier, opened
from shared.health import Finding, Health
from shared.logs import configure

REST: Final = 3.0
"""A whole pass works for a quarter of the time."""
BACKOFF_SECONDS: Final = 1.0
STANDS_STILL_SECONDS: Final = 60.0
FAULTS_SHOWN: Final = 3

UNTIL: Final = Gauge(
    "evenkeel_verified_until_seconds", "Up to when everything recorded was found right where it is shown; unix time."
)
FAULTS: Final = Gauge("evenkeel_verification_faults", "What is wrong right now.")
FOUND: Final = Counter("evenkeel_verification_faults_found_total", "Faults found since the start.")
SEALED: Final = Gauge("evenkeel_sealed_events", "Events under signed checkpoints.", ["service"])
DEGRADED: Final = Gauge("evenkeel_verification_degraded_patients", "Patients with parked events, not compared.")

log = structlog.get_logger()


class ProofSettings(BaseSettings):
    """Read from `EVENKEEL_…`, as the services' settings are."""

    model_config = SettingsConfigDict(env_prefix="EVENKEEL_", frozen=True, extra="ignore")

    data_dir: Path
    postgres: str
    kafka: str
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65_535)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    look_milliseconds: int = Field(default=1000, gt=0)
    checkpoint_seconds: float = Field(default=10.0, gt=0)
    whole_pass_seconds: float = Field(default=600.0, gt=0)


class Process:
    """Looks for ever; survives the loss of broker and database."""

    def __init__(self, settings: ProofSettings) -> None:
        """Connects when run."""
        self._settings, self._instance = settings, Instance(settings.data_dir)
        self._findings = Findings(told=_told)
        self._until: datetime | None = None
        self._looked_until: datetime | None = None
        self._passed = False
        self._looked_at = self._sign_at = 0.0

    async def check(self) -> Finding:
        """Ready while it looks and nothing is wrong. `verified_until` is null until everything was looked at once."""
        looks = asyncio.get_running_loop().time() - self._looked_at < STANDS_STILL_SECONDS
        faults = self._findings.all
        facts = {"verified_until": self._until, "faults": len(faults), "first_faults": faults[:FAULTS_SHOWN]}
        return Finding(ready=looks and not faults, facts=facts)

    async def run(self) -> None:
        """Verify for ever."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    await self._session(group)
            except* (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, TimeoutError) as failed:
                log.warning("verification.interrupted", error=type(failed.exceptions[0]).__name__)
            await asyncio.sleep(BACKOFF_SECONDS)

    async def _session(self, group: asyncio.TaskGroup) -> None:
        async with self._opened() as verifier:
            group.create_task(self._passes(verifier), name="whole passes")
            try:
                while True:
                    await self._look(verifier)
            finally:
                if self._looked_until:
                    verifier.sign(self._looked_until)

    def _opened(self) -> AbstractAsyncContextManager[Verifier]:
        return opened(self._instance, self._settings.postgres, self._settings.kafka, self._findings)

    async def _look(self, verifier: Verifier) -> None:
        """One look at what is new; signs when it is time."""
        clock = asyncio.get_running_loop().time
        at = await verifier.now()
        await verifier.topics.follow(self._settings.look_milliseconds)
        await verifier.follow()
        self._looked_until = at
        if clock() >= self._sign_at:
            verifier.sign(at)
            self._sign_at = clock() + self._settings.checkpoint_seconds
        await verifier.look()
        if self._passed and not self._findings.faults:
            self._until = min(verifier.unsure.values(), default=at)
        self._looked_at = clock()
        self._measure(verifier)

    async def _passes(self, looking: Verifier) -> None:
        """Everything from the beginning, over connections of its own, again and again."""
        while True:
            async with self._opened() as verifier:
                verifier.unsure = looking.unsure
                await whole(verifier, rest=REST)
                DEGRADED.set(len(verifier.degraded))
                log.info("verification.passed", events=verifier.events, patients=verifier.patients)
            self._passed = True
            await asyncio.sleep(self._settings.whole_pass_seconds)

    def _measure(self, verifier: Verifier) -> None:
        FAULTS.set(len(self._findings.all))
        if self._until is not None:
            UNTIL.set(self._until.timestamp())
        for service, seal in verifier.seals.items():
            SEALED.labels(service).set(sum(link.position for link in seal.story.newest.values()))


def _told(fault: str) -> None:
    FOUND.inc()
    log.critical("verification.fault", fault=fault)


async def _run(settings: ProofSettings) -> None:
    told, process = told_to_stop(), Process(settings)
    health = Health(verification=process.check)
    async with serve_ops(health, settings.http_host, settings.http_port) as port:
        log.info("verifier.starts", port=port)
        work = asyncio.create_task(process.run(), name="verify")
        ends = asyncio.create_task(told.wait(), name="told")
        await asyncio.wait({work, ends}, return_when=asyncio.FIRST_COMPLETED)
        ends.cancel()
        if work.done():
            await work  # a fault of the program: the supervisor starts it again
        work.cancel()
        await asyncio.gather(work, ends, return_exceptions=True)
    log.info("verifier.ends")


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = ProofSettings()
    configure("evenkeel", "verifier", settings.log_level)
    asyncio.run(_run(settings))


if __name__ == "__main__":
    main()
