"""Scheduling, running: its API on a port, its callers, the projector's work done by hand, and intake's word for it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from deploy.processes.serving import serving
from services.scheduling import examples
from services.scheduling.examples import Examples
from services.scheduling.main import SERVICE
from services.scheduling.on_intake import ON_INTAKE
from shared.codec import Codec
from shared.database import Connection, connect
from shared.event import Recorded
from shared.events.intake import (
    LevelOfCare,
    PatientAdmitted,
    PatientDischarged,
    PatientRegistered,
    PlanActivated,
    WithdrawalManagementRequired,
)
from shared.events.intake.detox_gate import GateBasis
from shared.events.intake.episode import DischargeReason
from shared.events.intake.plan_parts import HoursFinding, SignatureMethod
from shared.http import create_app
from shared.log.reading import COLUMNS, recorded
from shared.policy import carry_out
from shared.projector import Projection, run_writes
from shared.settings import Settings
from tests.embedded import ServiceDatabase
from tests.shared.http.running import AUDIENCE, ISSUER, Issuer

CODEC = Codec(SERVICE.vocabulary)
ON = date(2026, 3, 2)


def registered() -> PatientRegistered:
    return PatientRegistered("riverside", (), None, None, None)


def admitted(patient: UUID) -> PatientAdmitted:
    return PatientAdmitted(patient, uuid4(), LevelOfCare.INTENSIVE_OUTPATIENT, ON, adolescent=False)


def discharged(patient: UUID) -> PatientDischarged:
    return PatientDischarged(patient, DischargeReason.COMPLETED, ON, None)


def gate_closed(patient: UUID) -> WithdrawalManagementRequired:
    return WithdrawalManagementRequired(patient, GateBasis.SCORE, uuid4(), (), ("cows",), "withdrawal-management", 1)


def plan_active(patient: UUID) -> PlanActivated:
    return PlanActivated(
        patient_id=patient,
        episode_id=uuid4(),
        revision=1,
        active_from=ON,
        prescribed=(),
        counted_minutes_per_week=540,
        goal_ids=("g1",),
        hours_finding=HoursFinding.FITS,
        patient_signature=SignatureMethod.ELECTRONIC,
        patient_signed_on=ON,
        next_review_on=ON,
        policy_id="plan-review",
        policy_version=1,
    )


@dataclass
class Clinic:
    """What a test holds: a site of its own with a room and staff, and callers who work there."""

    app: Any
    client: httpx.AsyncClient
    issuer: Issuer
    owner: Connection
    worker: Connection
    database: ServiceDatabase
    projected: dict[int, int] = field(default_factory=dict)
    site: str = ""
    room: str = ""
    leader: str = ""
    physician: str = ""

    def headers(self, *roles: str, site: str | None = None, **more: str) -> dict[str, str]:
        """Authorization and a new key; `If_Match='"1"'` and the like are added."""
        token = self.issuer.token(*(roles or ("counsellor",)), sites=(site or self.site,))
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex, **named}

    async def put(self, path: str, body: Any, *roles: str, site: str | None = None) -> httpx.Response:
        """Create."""
        return await self.client.put(f"/v1/{path}", json=body, headers=self.headers(*roles, site=site))

    async def post(
        self, path: str, body: Any, *roles: str, version: int | None = None, site: str | None = None
    ) -> httpx.Response:
        """Say what happens; `version` is what the caller saw."""
        seen = {} if version is None else {"If_Match": f'"{version}"'}
        return await self.client.post(f"/v1/{path}", json=body, headers=self.headers(*roles, site=site, **seen))

    async def get(self, path: str, *roles: str, site: str | None = None) -> httpx.Response:
        """Ask."""
        return await self.client.get(f"/v1/{path}", headers=self.headers(*roles, site=site))

    async def rows(self, path: str, *roles: str) -> list[dict[str, Any]]:
        """The first page of a list, once the views are up to date."""
        await self.project()
        answer = await self.get(path, *roles)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def stored(self) -> int:
        """Events on disk."""
        return int(await self.owner.fetchval("select count(*) from log.event"))

    async def project(self) -> None:
        """Every event that is new in the log, through the projection."""
        rows = await self.owner.fetch(f"select {COLUMNS} from log.event order by recorded_at, lane, position")
        (projection,) = SERVICE.projections
        assert isinstance(projection, Projection)
        for row in rows:
            if row["position"] > self.projected.get(row["lane"], 0):
                self.projected[row["lane"]] = row["position"]
                await run_writes(self.worker, projection.on(recorded(SERVICE.name, CODEC, row)))

    async def hear(self, patient: UUID, data: object, stream: str = "episode", event_id: UUID | None = None) -> None:
        """An event of intake arrives, and the policies are carried out as the worker does."""
        now = datetime.now(UTC)
        event: Recorded[Any] = Recorded(
            service="intake",
            lane=0,
            position=1,
            stream=f"{stream}-{patient}",
            version=1,
            event_id=event_id or uuid4(),
            type=type(data).__name__,
            schema_version=1,
            site_id=self.site,
            patient_id=patient,
            effective_at=now,
            recorded_at=now,
            corrects=None,
            actor="test",
            correlation_id=uuid4(),
            causation_id=None,
            traceparent=None,
            data=data,
        )
        for number, act in enumerate(ON_INTAKE.on(event)):
            command_id = UUID(int=event.event_id.int ^ number)
            await carry_out(self.app.resources.log, ON_INTAKE.name, act, command_id, event)

    async def patient(self) -> UUID:
        """A patient in care with a signed plan."""
        patient = uuid4()
        for data in (registered(), admitted(patient), plan_active(patient)):
            await self.hear(patient, data)
        return patient

    async def session(self, *patients: UUID, day: int = 3, hour: int = 10, **changes: Any) -> str:
        """A relapse prevention session in March 2026 with these patients booked."""
        session = str(uuid4())
        done(await self.put(f"sessions/{session}", self.wanted(*patients, day=day, hour=hour, **changes)))
        return session

    def wanted(self, *patients: UUID, day: int = 3, hour: int = 10, **changes: Any) -> dict[str, Any]:
        """The body that asks for such a session."""
        wanted = {
            "kind": "relapse-prevention",
            "place": "on_site",
            "room_id": self.room,
            "leader_id": self.leader,
            "starts_at": f"2026-03-{day:02}T{hour:02}:00:00+01:00",
            "ends_at": f"2026-03-{day:02}T{hour + 1:02}:30:00+01:00",
            "patient_ids": [str(one) for one in patients],
        }
        return wanted | changes


def done(answer: httpx.Response) -> dict[str, Any]:
    """The accepted answer."""
    assert answer.status_code == 201, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, kind and field of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    return answer.status_code, problem["type"].rsplit("/", 1)[1], problem.get("field")


def body(example: Examples, /, **changes: Any) -> dict[str, Any]:
    """The first example's value with some fields changed."""
    value: dict[str, Any] = next(iter(example.values()))["value"]
    return value | changes


async def opened(clinic: Clinic, site: str | None = None) -> Clinic:
    """A new site with a room, a counsellor and a physician; the clinic is seen from it."""
    clinic.site = site or f"site-{secrets.token_hex(4)}"
    clinic.room, clinic.leader, clinic.physician = (str(uuid4()) for _ in range(3))
    done(await clinic.put(f"sites/{clinic.site}", body(examples.SITE), "network_manager"))
    room = body(examples.ROOM, site_id=clinic.site)
    done(await clinic.put(f"rooms/{clinic.room}", room, "site_manager"))
    done(await clinic.put(f"staff/{clinic.leader}", body(examples.STAFF), "site_manager"))
    physician = body(examples.STAFF, short_name="Dr Osei", full_name="Kwame Osei", professions=["physician"])
    done(await clinic.put(f"staff/{clinic.physician}", physician, "site_manager"))
    return clinic


@asynccontextmanager
async def running(database: ServiceDatabase, folder: Path, issuer: Issuer | None = None) -> AsyncIterator[Clinic]:
    """The API in this process, on a free port."""
    issuer = issuer or Issuer(folder / f"jwks-{secrets.token_hex(4)}.json")
    settings = Settings(
        database_dsn=database.dsn("api"),
        keyring_dsn=database.keyring_dsn,
        site_keys_file=database.site_keys,
        kafka="unused:9092",
        jwt_jwks_file=issuer.file,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
    )
    app = create_app(SERVICE, settings)
    owner = await connect(database.superuser_dsn, name="test")
    worker = await connect(database.dsn("worker"), name="test")
    try:
        async with (
            serving(app, "127.0.0.1", 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            yield Clinic(app, client, issuer, owner, worker, database)
    finally:
        await owner.close()
        await worker.close()
