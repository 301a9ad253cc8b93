"""Two windows of a site with an API process each want the same 200 slots at the same moments: exactly one dose each time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.ports import free_ports
from services.medication.main import SERVICE
from shared.database import Connection, connect
from tests.embedded import TestPostgres
from tests.medication.processes import process
from tests.medication.running import NEW_YORK
from tests.medication.window import at_noon, order_body, today
from tests.shared.http.running import AUDIENCE, ISSUER, Issuer

SLOTS = 200
ORDERS = 10
HOME = "riverside"
WINDOWS = ("left", "right")
START_SECONDS_MAX = 60

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@dataclass
class Network:
    """A site with two windows, each with an API process."""

    clients: dict[str, httpx.AsyncClient]
    issuer: Issuer
    owner: Connection

    async def send(self, method: str, site: str, path: str, body: Any, role: str, **headers: str) -> httpx.Response:
        """One command at a window."""
        token = self.issuer.token(role, sites=(HOME,), sub=f"{role}-{site}")
        always = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        return await self.clients[site].request(method, f"/v1/{path}", json=body, headers=always | headers)


@pytest.fixture
async def network(postgres: TestPostgres, tmp_path: Path) -> AsyncIterator[Network]:
    """Two processes on one fresh database; the home site is known."""
    database = await postgres.service_database("medication", [SERVICE.migrations])
    issuer = Issuer(tmp_path / "jwks.json")
    ports = dict(zip(WINDOWS, free_ports(2), strict=True))
    environment = {
        **database.environment("api"),
        "EVENKEEL_KAFKA": "unused:9092",
        "EVENKEEL_JWT_JWKS_FILE": str(issuer.file),
        "EVENKEEL_JWT_ISSUER": ISSUER,
        "EVENKEEL_JWT_AUDIENCE": AUDIENCE,
    }
    async with AsyncExitStack() as stack:
        owner = await connect(database.superuser_dsn, name="test")
        stack.push_async_callback(owner.close)
        await owner.execute("insert into view.site (site_id, zone) values ($1, $2)", "riverside", NEW_YORK)
        clients = {}
        for site, port in ports.items():
            stack.enter_context(process("api", {**environment, "EVENKEEL_HTTP_PORT": str(port)}, tmp_path, site))
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
            clients[site] = await stack.enter_async_context(client)
            await alive(client)
        yield Network(clients, issuer, owner)


async def alive(client: httpx.AsyncClient) -> None:
    """Wait until the process answers."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def test_of_two_windows_exactly_one_doses_each_slot(network: Network) -> None:
    """I8, (E)."""
    orders = [await signed(network) for _ in range(ORDERS)]
    slots = [(one, day) for one in orders for day in range(1, SLOTS // ORDERS + 1)]
    chance, few = Random(3), asyncio.Semaphore(6)

    async def both(order: str, day: int) -> list[httpx.Response]:
        body = {"dose_mg": "16", "dosing_on": dosing_on(day), "given_at": at_noon(day)}
        async with few:
            tries = (
                network.send("POST", site, f"orders/{order}/doses", body, "nurse") for site in chance.sample(WINDOWS, 2)
            )
            return list(await asyncio.gather(*tries))

    answers = await asyncio.gather(*(both(*slot) for slot in slots))

    for pair in answers:
        assert sorted(one.status_code for one in pair) == [201, 409], [one.text for one in pair]
        (refused,) = (one.json() for one in pair if one.status_code == 409)
        assert refused["type"].endswith("/dose-already-administered")
        assert refused["site_id"] == HOME
    found = await network.owner.fetch(
        "select data->>'order_id' as of, data->>'dosing_on' as on_date, actor from log.event where type = 'DoseAdministered'"
    )
    assert Counter((row["of"], row["on_date"]) for row in found) == Counter(
        {(order, dosing_on(day)): 1 for order, day in slots}
    )
    assert {row["actor"] for row in found} == {f"nurse-{one}" for one in WINDOWS}, "no race if one window always wins"


async def signed(network: Network) -> str:
    """An order of the home site for a new patient, in force."""
    order = str(uuid4())
    draft = order_body(starts_on=dosing_on(SLOTS // ORDERS))
    drafted = await network.send("PUT", "left", f"orders/{order}", draft, "nurse")
    assert drafted.status_code == 201, drafted.text
    version = {"If-Match": '"1"'}
    accepted = await network.send("POST", "left", f"orders/{order}/signature", {}, "prescriber", **version)
    assert accepted.status_code == 201, accepted.text
    return order


def dosing_on(days_ago: int) -> str:
    """A date at the home site."""
    return (today() - timedelta(days=days_ago)).isoformat()
