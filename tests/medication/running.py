"""Medication, running: its API on a port, its callers, and the projector's, the policy's and the fold's work done by hand."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from deploy.processes.serving import serving
from services.medication import site_time, taper_schedule
from services.medication.main import SERVICE
from shared.codec import Codec
from shared.database import Connection, connect, open_pool
from shared.event import AnyRecorded, Recorded
from shared.events.intake import DischargeReason, LevelOfCare, PatientAdmitted, PatientDischarged
from shared.events.scheduling import SiteOpened
from shared.http import create_app
from shared.keyring import Keyring, SiteKeys
from shared.log import Log
from shared.log.reading import COLUMNS, recorded
from shared.policy import carry_out
from shared.projector import Projection, TableProjection, Write
from shared.settings import Settings
from tests.embedded import ServiceDatabase
from tests.shared.http.running import AUDIENCE, ISSUER, Issuer

CODEC = Codec(SERVICE.vocabulary)
NEW_YORK = "America/New_York"


@dataclass
class Clinic:
    """What a test holds: a site of its own, and callers who work there."""

    client: httpx.AsyncClient
    url: str
    issuer: Issuer
    owner: Connection
    worker: Connection
    log: Log
    database: ServiceDatabase
    by_hand: bool = True
    projected: dict[int, int] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    site: str = field(default_factory=lambda: f"site-{secrets.token_hex(4)}")

    def headers(self, *roles: str, site: str | None = None, name: str | None = None, **more: str) -> dict[str, str]:
        """Authorization and a new key; `If_Match='"1"'` and the like are added. `name` is who calls."""
        claims = {} if name is None else {"sub": name}
        token = self.issuer.token(*(roles or ("nurse",)), sites=(site or self.site,), **claims)
        named = {key.replace("_", "-"): value for key, value in more.items()}
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex, **named}

    async def put(self, path: str, body: Any, *roles: str, **headers: str) -> httpx.Response:
        """Create."""
        return await self.client.put(f"/v1/{path}", json=body, headers=self.headers(*roles, **headers))

    async def post(
        self, path: str, body: Any, *roles: str, version: int | None = None, **headers: str
    ) -> httpx.Response:
        """Say what happens; `version` is what the caller saw."""
        seen = {} if version is None else {"If_Match": f'"{version}"'}
        return await self.client.post(f"/v1/{path}", json=body, headers=self.headers(*roles, **seen, **headers))

    async def get(self, path: str, *roles: str, site: str | None = None) -> Any:
        """Ask; the answer's content."""
        answer = await self.client.get(f"/v1/{path}", headers=self.headers(*roles, site=site))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def done(self, answer: httpx.Response) -> dict[str, Any]:
        """The accepted answer; then the views are brought up to it."""
        assert answer.status_code == 201, answer.text
        if self.by_hand:
            await self.project()
        accepted: dict[str, Any] = answer.json()
        return accepted

    async def open_site(self, zone: str = NEW_YORK, site: str | None = None) -> None:
        """Scheduling's word that a site is there."""
        opened = told("scheduling", f"site-{site or self.site}", SiteOpened("A site", zone, (), "standard"), None)
        await self._write(site_time.writes(opened))

    async def admit(self, patient: UUID, episode: UUID, on: date) -> None:
        """Intake's word that a patient was admitted."""
        data = PatientAdmitted(patient, uuid4(), LevelOfCare.INTENSIVE_OUTPATIENT, on, adolescent=False)
        await self._hear(told("intake", f"episode-{episode}", data, patient))

    async def discharge(self, patient: UUID, episode: UUID, on: date) -> None:
        """Intake's word that a patient was discharged."""
        data = PatientDischarged(patient, DischargeReason.COMPLETED, on, None)
        await self._hear(told("intake", f"episode-{episode}", data, patient))

    async def _hear(self, event: AnyRecorded) -> None:
        for policies in SERVICE.policies:
            for number, act in enumerate(policies.on(event)):
                await carry_out(self.log, policies.name, act, UUID(int=event.event_id.int ^ number), event)
        await self.project()

    async def project(self) -> None:
        """Every event that is new in the log, through every projection, and through the fold into its own."""
        rows = await self.owner.fetch(f"select {COLUMNS} from log.event order by recorded_at, lane, position")
        for row in rows:
            if row["position"] > self.projected.get(row["lane"], 0):
                self.projected[row["lane"]] = row["position"]
                await self._apply(recorded(SERVICE.name, CODEC, row))

    async def _apply(self, event: AnyRecorded) -> None:
        for one in SERVICE.projections:
            match one:
                case Projection() if f"{SERVICE.name}.events.v1" in one.topics:
                    await self._write(one.on(event))
                case TableProjection():
                    await self._write(one.on(event.key, self._folded(event)))
                case _:
                    pass

    def _folded(self, event: AnyRecorded) -> dict[str, Any]:
        self.facts[event.key] = taper_schedule.apply(self.facts.get(event.key, {}), event)
        value = {
            "facts": self.facts[event.key],
            "figures": taper_schedule.figures(self.facts[event.key]),
            "sources": {"medication.events.v1": {"lane": event.lane, "position": event.position}},
            "last_event_id": event.event_id,
            "as_of": event.recorded_at,
            "degraded_since": None,
        }
        return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, Any])

    async def _write(self, writes: Any) -> None:
        for one in writes:
            assert isinstance(one, Write)
            await self.worker.execute(one.sql, *one.args)

    async def stored(self) -> int:
        """How many events are on disk."""
        return int(await self.owner.fetchval("select count(*) from log.event"))


def told(service: str, stream: str, data: Any, patient: UUID | None) -> AnyRecorded:
    """An event of another service as it arrives here."""
    now = datetime.now(UTC)
    return Recorded(
        service=service,
        lane=0,
        position=1,
        stream=stream,
        version=1,
        event_id=uuid4(),
        type=type(data).__name__,
        schema_version=1,
        site_id="riverside",
        patient_id=patient,
        effective_at=now,
        recorded_at=now,
        corrects=None,
        actor="counsellor-7",
        correlation_id=uuid4(),
        causation_id=None,
        traceparent=None,
        data=data,
    )


@asynccontextmanager
async def running(database: ServiceDatabase, folder: Path) -> AsyncIterator[Clinic]:
    """The API in this process, on a free port."""
    issuer = Issuer(folder / f"jwks-{secrets.token_hex(4)}.json")
    settings = settings_for(database, issuer)
    owner = await connect(database.superuser_dsn, name="test")
    worker = await connect(database.dsn("worker"), name="test")
    try:
        async with log_of(database, settings) as log, serving(create_app(SERVICE, settings), "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                yield Clinic(client, url, issuer, owner, worker, log, database)
    finally:
        for connection in (owner, worker):
            await connection.close()


def settings_for(database: ServiceDatabase, issuer: Issuer, **more: Any) -> Settings:
    """As an API process would be started."""
    return Settings(
        database_dsn=database.dsn("api"),
        keyring_dsn=database.keyring_dsn,
        site_keys_file=database.site_keys,
        kafka="unused:9092",
        jwt_jwks_file=issuer.file,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        **more,
    )


@asynccontextmanager
async def log_of(database: ServiceDatabase, settings: Settings) -> AsyncIterator[Log]:
    """One process's way into the log: what a site's own API process holds."""
    pool = await open_pool(settings.database_dsn, name="test", connections_max=4)
    keys = await open_pool(settings.keyring_dsn, name="test", connections_max=2)
    try:
        keyring = Keyring(keys, SiteKeys.read(database.site_keys))
        async with Log(pool, Codec(SERVICE.vocabulary), keyring, settings) as log:
            yield log
    finally:
        await pool.close()
        await keys.close()
