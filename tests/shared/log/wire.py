"""The wire between a process and its database, with somebody who can cut it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Wire:
    """Passes bytes on. Once `deaf`, what the database says is lost on the way; once `gone`, nobody is put through."""

    host: str
    port: int
    deaf: bool = False
    gone: bool = False
    ends: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        if self.gone:
            answers.close()
            return
        database, asked = await asyncio.open_connection(self.host, self.port)
        self.ends |= {answers, asked}
        await asyncio.gather(self._pass_on(client, asked), self._pass_on(database, answers, lossy=True))
        self.ends -= {answers, asked}

    def cut(self) -> None:
        """Close every connection, and let new ones hear again."""
        self.deaf = False
        for one in self.ends:
            one.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lossy: bool = False
    ) -> None:
        try:
            while said := await reader.read(65_536):
                if not (lossy and self.deaf):
                    writer.write(said)
        except ConnectionError:
            pass
        writer.close()


@asynccontextmanager
async def wire_to(dsn: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire, and the DSN that goes through it."""
    parts = urlsplit(dsn)
    assert parts.hostname is not None
    assert parts.port is not None
    wire = Wire(parts.hostname, parts.port)
    async with await asyncio.start_server(wire.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield wire, dsn.replace(f":{parts.port}/", f":{port}/")
        wire.cut()
