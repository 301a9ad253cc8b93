"""The three ways to serve the same command, each as processes of their own on the same PostgreSQL."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from deploy.ports import free_ports
from tests.benchmarks.load import post
from tests.embedded import ServiceDatabase, TestPostgres
from tests.shared.http.running import AUDIENCE, ISSUER, Issuer

SUBJECTS = 1000
CALLERS = 32  # people at work; one caller alone may not have many requests under way
ROOT = Path(__file__).parents[2]
OURS, NAIVE, LIBRARY = "Evenkeel", "a transaction per request", "eventsourcing library"
MIGRATIONS = ROOT / "services" / "intake" / "migrations"


@dataclass(frozen=True)
class Served:
    """A running server: where it is, and its n-th request (each appends one event to one of SUBJECTS streams)."""

    name: str
    url: str
    request: Callable[[int], bytes]


@asynccontextmanager
async def process(command: list[str], url: str, environment: dict[str, str]) -> AsyncIterator[None]:
    """Run a server until it is no longer needed; give the control when it answers."""
    started = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    await client.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield
    finally:
        started.terminate()
        await started.wait()


@asynccontextmanager
async def ours(postgres: TestPostgres, folder: Path) -> AsyncIterator[Served]:
    """Intake's API as deployed: authorisation, validation, sealing, idempotency, group commit. A patient's contacts are recorded."""
    database: ServiceDatabase = await postgres.service_database("intake", [MIGRATIONS])
    port, issuer = free_ports(1)[0], Issuer(folder / "jwks.json")
    url = f"http://127.0.0.1:{port}"
    environment = database.environment() | {
        "EVENKEEL_KAFKA": "127.0.0.1:1",
        "EVENKEEL_HTTP_PORT": str(port),
        "EVENKEEL_JWT_JWKS_FILE": str(issuer.file),
        "EVENKEEL_JWT_ISSUER": ISSUER,
        "EVENKEEL_JWT_AUDIENCE": AUDIENCE,
        "EVENKEEL_LOG_LEVEL": "warning",
    }
    headers = {"Authorization": f"Bearer {issuer.token('front_desk', exp=2**31)}"}
    patients = [str(uuid4()) for _ in range(SUBJECTS)]
    async with process([sys.executable, "-m", "deploy.serve", "intake", "api"], url, environment):
        async with httpx.AsyncClient(
            base_url=url, headers=headers, limits=httpx.Limits(max_connections=16), timeout=30
        ) as client:
            await asyncio.gather(*(_register(client, patient) for patient in patients))

        callers = [issuer.token("front_desk", sub=f"front-desk-{number}", exp=2**31) for number in range(CALLERS)]

        def request(number: int) -> bytes:
            body = b'{"contacts": {"phones": ["+1 410 555 0199"]}}'
            place = f"{url}/v1/patients/{patients[number % SUBJECTS]}/contacts"
            who = {"Authorization": f"Bearer {callers[number % CALLERS]}"}
            return post(place, who | {"Idempotency-Key": uuid4().hex}, body)

        yield Served(OURS, url, request)


async def _register(client: httpx.AsyncClient, patient: str) -> None:
    identity = {"family_name": f"Ward {uuid4().hex}", "given_names": "Anna", "birth_date": "1988-05-17"}
    answer = await client.put(
        f"/v1/patients/{patient}", json={"identity": identity}, headers={"Idempotency-Key": uuid4().hex}
    )
    assert answer.status_code == httpx.codes.CREATED, answer.text


@asynccontextmanager
async def naive(postgres: TestPostgres, _folder: Path) -> AsyncIterator[Served]:
    """One transaction per request; neither authorisation nor sealing."""
    dsn = await postgres.create_database()
    async with _peer(NAIVE, "tests.benchmarks.peers.naive:app", {"PEER_DSN": dsn}) as served:
        yield served


@asynccontextmanager
async def library(postgres: TestPostgres, _folder: Path) -> AsyncIterator[Served]:
    """The library with its own safe default; neither authorisation nor sealing nor idempotency."""
    environment = library_environment(await postgres.create_database())
    async with _peer(LIBRARY, "tests.benchmarks.peers.library:app", environment) as served:
        yield served


def library_environment(database: str) -> dict[str, str]:
    """How the library is told of a database."""
    dsn = httpx.URL(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": dsn.path.strip("/"),
        "POSTGRES_HOST": dsn.host,
        "POSTGRES_PORT": str(dsn.port),
        "POSTGRES_USER": dsn.username,
        "POSTGRES_PASSWORD": dsn.password,
        "POSTGRES_POOL_SIZE": "10",
        "POSTGRES_MAX_OVERFLOW": "40",
    }


@asynccontextmanager
async def _peer(name: str, app: str, environment: dict[str, str]) -> AsyncIterator[Served]:
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    line = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    subjects: list[UUID] = [uuid4() for _ in range(SUBJECTS)]

    def request(number: int) -> bytes:
        place = f"{url}/tapers/{subjects[number % SUBJECTS]}/dose-reductions"
        return post(place, {"idempotency-key": uuid4().hex}, b'{"dose_mg": "8"}')

    async with process([*line, "--loop", "uvloop", "--http", "httptools"], url, environment):
        yield Served(name, url, request)
