"""The way most services do it: one PostgreSQL transaction per request, with the same promises (durable, idempotent, checked)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from fastapi import FastAPI, Header, Request
from pydantic import BaseModel

SCHEMA = """
create table if not exists event (
    stream text not null, version int not null, type text not null, data jsonb not null,
    recorded_at timestamptz not null default now(), position bigint generated always as identity primary key,
    unique (stream, version)
);
create table if not exists idempotency (key text primary key, answer jsonb not null);
"""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["PEER_DSN"], min_size=10, max_size=10) as pool:
        await pool.execute(SCHEMA)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


class ReduceDose(BaseModel):
    """The command of the comparison."""

    dose_mg: Decimal


@app.post("/tapers/{taper_id}/dose-reductions", status_code=201)
async def reduce_dose(
    taper_id: UUID, body: ReduceDose, request: Request, idempotency_key: Annotated[str, Header()]
) -> dict[str, int]:
    """One transaction: key, version, event, commit."""
    stream = f"taper-{taper_id}"
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        version = await connection.fetchval("select coalesce(max(version), 0) + 1 from event where stream = $1", stream)
        data = msgspec.json.encode({"dose_mg": str(body.dose_mg)}).decode()
        await connection.execute(
            "insert into event (stream, version, type, data) values ($1, $2, 'DoseReduced', $3)", stream, version, data
        )
        answer = msgspec.json.encode({"version": version}).decode()
        await connection.execute("insert into idempotency (key, answer) values ($1, $2)", idempotency_key, answer)
    return {"version": version}
