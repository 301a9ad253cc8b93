"""A pooler in transaction mode, as small as can be: after each transaction the next backend takes over."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import Connection

SSL_REQUEST = 80877103
OWN_PID = 1_999_999_999
TOLD = (b"server_version", b"client_encoding", b"integer_datetimes", b"standard_conforming_strings", b"TimeZone")

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Pooler:
    """Has its own backends. Greets with a process id of its own, or with the first backend's."""

    dsn: str
    backends: list[Connection]
    own_pid: bool

    async def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """One client, until it goes away."""
        backends = [await streams_of(one) for one in self.backends]
        try:
            await self._greet(client, answers)
            while True:
                await transaction(client, answers, backends[0])
                backends.append(backends.pop(0))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for writer in (answers, *(writer for _, writer in backends)):
                writer.close()

    async def _greet(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        while True:
            (length,) = struct.unpack("!I", await client.readexactly(4))
            startup = await client.readexactly(length - 4)
            if struct.unpack("!I", startup[:4]) != (SSL_REQUEST,):
                break
            answers.write(b"N")
        answers.write(message(b"R", struct.pack("!I", 0)))
        first = self.backends[0]
        for name in TOLD:
            answers.write(message(b"S", name + b"\0" + (first.pgconn.parameter_status(name) or b"") + b"\0"))
        pid = OWN_PID if self.own_pid else first.info.backend_pid
        answers.write(message(b"K", struct.pack("!II", pid, 0)) + message(b"Z", b"I"))


async def transaction(client: asyncio.StreamReader, answers: asyncio.StreamWriter, backend: Streams) -> None:
    """Pass messages between the client and one backend until a transaction in which something was done is over."""
    done = False
    while True:
        ready = asyncio.create_task(answered(backend[0], answers))
        try:
            kind = b""
            while kind not in (b"S", b"Q"):
                kind, whole = await one_message(client)
                done = done or kind in (b"Q", b"E")
                backend[1].write(whole)
            if await ready == b"I" and done:
                return
        finally:
            ready.cancel()


async def answered(backend: asyncio.StreamReader, answers: asyncio.StreamWriter) -> bytes:
    """Pass on what the backend says, up to being ready for the next query; the state of its transaction."""
    while True:
        kind, whole = await one_message(backend)
        answers.write(whole)
        if kind == b"Z":
            return whole[-1:]


async def one_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


async def streams_of(backend: Connection) -> Streams:
    """The backend's own connection, after libpq has signed in."""
    return await asyncio.open_connection(sock=socket.socket(fileno=os.dup(backend.fileno())))


@asynccontextmanager
async def pooled(dsn: str, *, backends: int, own_pid: bool) -> AsyncIterator[str]:
    """The DSN under which a pooler with so many backends is reached."""
    made = [Connection.connect(f"{dsn}?sslmode=disable", autocommit=True) for _ in range(backends)]
    pooler = Pooler(dsn, made, own_pid)
    async with await asyncio.start_server(pooler.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://anybody@127.0.0.1:{port}/any"
    for one in made:
        one.close()
