"""The small service, running: its API on a port, its databases, its callers, and a projector by hand."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.processes.serving import serving
from shared.access import Role
from shared.database import Connection, connect
from shared.http import create_app
from shared.settings import Settings
from tests.embedded import ServiceDatabase
from tests.shared.http.small import SMALL

ISSUER = "https://issuer.test"
AUDIENCE = "evenkeel"
NONE: Mapping[str, str] = {}


class Issuer:
    """Signs tokens; its public keys are in `file`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.publish("key-1")

    def publish(self, kid: str) -> None:
        """Make `key` known under `kid`, and no other key."""
        self.kid = kid
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        self.file.write_text(json.dumps({"keys": [public | {"kid": kid, "alg": "ES256", "use": "sig"}]}))

    def token(self, *roles: str, sites: Any = ("riverside",), **claims: Any) -> str:
        """A token for `roles`; any claim may be set, or left out with None."""
        content = {
            "sub": f"{'-'.join(roles) or 'nobody'}-1",
            "roles": list(roles),
            "sites": sites and list(sites),
            "purpose": "treatment",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 600,
        }
        content = {name: value for name, value in (content | claims).items() if value is not None}
        return jwt.encode(content, self.key, algorithm="ES256", headers={"kid": self.kid})


@dataclass
class Small:
    """What a test holds."""

    client: httpx.AsyncClient
    url: str
    issuer: Issuer
    app: Any
    database: ServiceDatabase
    owner: Connection
    admin: Connection
    worker: Connection
    site: str = field(default_factory=lambda: f"site-{secrets.token_hex(4)}")

    def headers(self, *roles: str, sites: tuple[str, ...] | None = None, **more: str) -> dict[str, str]:
        """Authorization and a new key; `If_Match='"1"'` and the like are added."""
        token = self.issuer.token(*(roles or ("nurse",)), sites=sites or (self.site,))
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex, **named}

    async def start(self, taper_id: UUID | None = None, headers: Mapping[str, str] = NONE) -> httpx.Response:
        """A taper of 16 mg."""
        body = {"patient_id": str(uuid4()), "dose_mg": "16", "steps": [{"dose_mg": "8"}], "note": "Jane Roe"}
        return await self.client.put(
            f"/v1/tapers/{taper_id or uuid4()}", json=body, headers=self.headers() | dict(headers)
        )

    async def reduce(
        self, taper_id: UUID, dose_mg: str, version: int = 1, headers: Mapping[str, str] = NONE
    ) -> httpx.Response:
        """A lower dose."""
        body = {"dose_mg": dose_mg, "effective_on": "2026-03-02"}
        asked = self.headers(If_Match=f'"{version}"') | dict(headers)
        return await self.client.post(f"/v1/tapers/{taper_id}/dose-reductions", json=body, headers=asked)

    async def stored(self) -> int:
        """Events on disk."""
        return int(await self.owner.fetchval("select count(*) from log.event"))

    async def project(self, *, notify: bool = True) -> None:
        """Do what the projector does, straight from the log: rows and checkpoint in one transaction, then the notice."""
        async with self.worker.transaction(isolation="repeatable_read"):
            await self.worker.execute(PROJECT)
            await self.worker.execute(CHECKPOINT)
        if notify:
            await self.worker.execute("notify projected")


PROJECT = """
    insert into view.small_taper
    select distinct on (e.stream) substr(e.stream, 12)::uuid, f.site_id, (e.data->>'dose_mg')::numeric, f.recorded_at
    from log.event e join log.event f on f.stream = e.stream and f.version = 1 order by e.stream, e.version desc
    on conflict (taper_id) do update set dose_mg = excluded.dose_mg
"""
CHECKPOINT = """
    insert into projection.checkpoint as c (projection, topic, partition, next_offset, last_sequence, last_event_id)
    select distinct on (lane) 'small_taper', 'small.events.v1', lane, position, position, event_id
    from log.event order by lane, position desc
    on conflict (projection, topic, partition)
    do update set next_offset = excluded.next_offset, last_sequence = excluded.last_sequence
"""


@asynccontextmanager
async def running(database: ServiceDatabase, folder: Path, **limits: Any) -> AsyncIterator[Small]:
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
        **limits,
    )
    app = create_app(SMALL, settings)
    owner = await connect(database.dsn("owner"), name="test")
    admin = await connect(database.superuser_dsn, name="test")
    worker = await connect(database.dsn("worker"), name="test")
    try:
        async with serving(app, "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}"
            pooled = httpx.Limits(max_connections=1000)
            async with httpx.AsyncClient(base_url=url, timeout=30, limits=pooled) as client:
                yield Small(client, url, issuer, app, database, owner, admin, worker)
    finally:
        for connection in (owner, admin, worker):
            await connection.close()


ROLES = tuple(role.value for role in Role)
