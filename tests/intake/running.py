"""Intake, running: its API on a port, its callers, and the projector's and the fold's work done by hand from the log."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from deploy.processes.serving import serving
from services.intake import examples, plan_state
from services.intake.examples import Examples
from services.intake.main import SERVICE
from shared.codec import Codec
from shared.database import Connection, connect
from shared.event import AnyRecorded
from shared.http import create_app
from shared.keyring import Keyring, SiteKeys
from shared.log.reading import COLUMNS, recorded
from shared.projector import Projection, TableProjection, Write
from shared.settings import Settings
from tests.embedded import ServiceDatabase
from tests.shared.http.running import AUDIENCE, ISSUER, Issuer

CODEC = Codec(SERVICE.vocabulary)


@dataclass
class Clinic:
    """What a test holds: a site of its own, and callers who work there."""

    app: Any
    client: httpx.AsyncClient
    issuer: Issuer
    owner: Connection
    worker: Connection
    keyring: Keyring
    database: ServiceDatabase
    project_by_hand: bool = True
    projected: dict[int, int] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    site: str = field(default_factory=lambda: f"site-{secrets.token_hex(4)}")

    def headers(self, *roles: str, site: str | None = None, **more: str) -> dict[str, str]:
        """Authorization and a new key; `If_Match='"1"'` and the like are added."""
        token = self.issuer.token(*(roles or ("counsellor",)), sites=(site or self.site,))
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex, **named}

    def forget_keys(self) -> None:
        """As a minute later: the API no longer remembers the keys that it opened with."""
        self.app.resources.keyring._held.clear()

    async def put(self, path: str, body: Any, *roles: str, **headers: str) -> httpx.Response:
        """Create."""
        return await self.client.put(f"/v1/{path}", json=body, headers=self.headers(*roles, **headers))

    async def post(self, path: str, body: Any, *roles: str, version: int | None = None) -> httpx.Response:
        """Say what happens; `version` is what the caller saw."""
        seen = {} if version is None else {"If_Match": f'"{version}"'}
        return await self.client.post(f"/v1/{path}", json=body, headers=self.headers(*roles, **seen))

    async def get(self, path: str, *roles: str, site: str | None = None) -> httpx.Response:
        """Ask."""
        return await self.client.get(f"/v1/{path}", headers=self.headers(*roles, site=site))

    async def done(self, answer: httpx.Response) -> dict[str, Any]:
        """The accepted answer; then the views are brought up to it."""
        assert answer.status_code == 201, answer.text
        if self.project_by_hand:
            await self.project()
        accepted: dict[str, Any] = answer.json()
        return accepted

    async def project(self) -> None:
        """Every event that is new in the log, through every projection, and through the fold into its own."""
        rows = await self.owner.fetch(f"select {COLUMNS} from log.event order by recorded_at, lane, position")
        for row in rows:
            if row["position"] > self.projected.get(row["lane"], 0):
                self.projected[row["lane"]] = row["position"]
                await self._apply(row)

    async def _apply(self, row: Any) -> None:
        closed = recorded(SERVICE.name, CODEC, row)
        for one in SERVICE.projections:
            match one:
                case Projection() if f"{SERVICE.name}.events.v1" in one.topics:
                    await self._write(one.on(await self._opened(row) if one.opens_sealed else closed))
                case TableProjection():
                    await self._write(one.on(closed.key, self._folded(closed)))
                case _:
                    pass

    async def _opened(self, row: Any) -> AnyRecorded:
        personal = row["sealed"] and await self.keyring.open(row["key"], row["event_id"], row["sealed"])
        return recorded(SERVICE.name, CODEC, row, personal)

    def _folded(self, event: AnyRecorded) -> dict[str, Any]:
        self.facts[event.key] = plan_state.apply(self.facts.get(event.key, {}), event)
        value = {
            "facts": self.facts[event.key],
            "figures": plan_state.figures(self.facts[event.key]),
            "sources": {"intake.events.v1": {"lane": event.lane, "position": event.position}},
            "last_event_id": event.event_id,
            "as_of": event.recorded_at,
            "degraded_since": None,
        }
        return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, Any])

    async def _write(self, writes: Any) -> None:
        for one in writes:
            assert isinstance(one, Write)
            await self.worker.execute(one.sql, *one.args)


@asynccontextmanager
async def running(database: ServiceDatabase, folder: Path) -> AsyncIterator[Clinic]:
    """The API in this process, on a free port."""
    issuer = Issuer(folder / f"jwks-{secrets.token_hex(4)}.json")
    settings = Settings(
        database_dsn=database.dsn("api"),
        keyring_dsn=database.keyring_dsn,
        site_keys_file=database.site_keys,
        kafka="unused:9092",
        jwt_jwks_file=issuer.file,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
    )
    owner = await connect(database.superuser_dsn, name="test")
    worker = await connect(database.dsn("worker"), name="test")
    keys = await connect(database.keyring_dsn, name="test")
    try:
        app = create_app(SERVICE, settings)
        async with (
            serving(app, "127.0.0.1", 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            keyring = Keyring(keys, SiteKeys.read(database.site_keys))
            yield Clinic(app, client, issuer, owner, worker, keyring, database)
    finally:
        for connection in (owner, worker, keys):
            await connection.close()


def body(example: Examples, name: str | None = None, **ids: Any) -> dict[str, Any]:
    """The example's value, under other ids."""
    value: dict[str, Any] = example[name or next(iter(example))]["value"]
    return value | ids


def nobody_like() -> dict[str, Any]:
    """A person whose name nobody else has."""
    return {"identity": {"family_name": f"Ward {uuid4().hex}", "given_names": "Anna", "birth_date": "1988-05-17"}}


async def registered(clinic: Clinic) -> str:
    """A patient of the clinic."""
    patient = str(uuid4())
    await clinic.done(await clinic.put(f"patients/{patient}", nobody_like(), "front_desk"))
    return patient


async def evaluated(clinic: Clinic, patient: str) -> tuple[str, int]:
    """An evaluation with every section of the examples, not signed yet, and its version."""
    evaluation = str(uuid4())
    await clinic.done(await clinic.put(f"evaluations/{evaluation}", {"patient_id": patient}))
    version = 1
    for section in reversed(examples.SECTIONS.values()):
        accepted = await clinic.done(await clinic.post(f"evaluations/{evaluation}/sections", section["value"]))
        version = accepted["version"]
    return evaluation, version


async def signed(clinic: Clinic, patient: str) -> str:
    """A signed evaluation."""
    evaluation, version = await evaluated(clinic, patient)
    sign = await clinic.post(f"evaluations/{evaluation}/signature", body(examples.SIGNATURE), version=version)
    await clinic.done(sign)
    return evaluation


async def admitted(clinic: Clinic, patient: str) -> str:
    """An episode of care."""
    evaluation, episode = await signed(clinic, patient), str(uuid4())
    admission = body(examples.ADMISSION, patient_id=patient, evaluation_id=evaluation)
    await clinic.done(await clinic.put(f"episodes/{episode}", admission))
    return episode


async def drafted(clinic: Clinic, patient: str) -> str:
    """A plan that nobody has signed yet."""
    episode, plan = await admitted(clinic, patient), str(uuid4())
    await clinic.done(await clinic.put(f"plans/{plan}", body(examples.PLAN, patient_id=patient, episode_id=episode)))
    return plan
