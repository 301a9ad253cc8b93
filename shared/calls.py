"""One request on its way through the process, and what the process holds open for all of them."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.types import Scope
from uuid_utils.compat import uuid7

from shared.access import Caller, Rule
from shared.consistency import Watcher
from shared.database import Pool
from shared.failures import Invalid
from shared.keyring import Keyring
from shared.log import Log
from shared.settings import Settings

CALL: Final = "evenkeel.call"
QUERY_FIELDS_MAX: Final = 50
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass
class Resources:
    """What the doors lead to. Complete when the application has started."""

    service: str
    settings: Settings
    sources: Mapping[str, frozenset[str]]
    """For each projection, the event topics that its rows follow."""
    shown: frozenset[str]
    """The projections that a query waits for unless it names one."""
    log: Log = field(init=False)
    keyring: Keyring = field(init=False)
    pool: Pool = field(init=False)
    watcher: Watcher = field(init=False)


class Call:
    """One request: who, what, under which ids, and what its answer will carry."""

    __slots__ = (
        "answer_headers",
        "body",
        "caller",
        "correlation_id",
        "headers",
        "operation",
        "path",
        "query_string",
        "rule",
        "site_id",
        "status",
        "traceparent",
    )

    def __init__(self, scope: Scope) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.operation = "unmatched"
        self.status = 0
        self.body = b""
        self.site_id: str | None = None
        self.caller: Caller
        self.rule: Rule
        given = self.headers.get(b"correlation-id", b"")
        self.correlation_id = UUID(given.decode()) if _UUID.fullmatch(given) else uuid7()
        self.traceparent = self._trace()
        self.answer_headers: list[tuple[bytes, bytes]] = []

    def check_correlation(self) -> None:
        """Raises Invalid when the caller's correlation id could not be taken."""
        given = self.headers.get(b"correlation-id")
        if given is not None and not _UUID.fullmatch(given):
            raise Invalid("Must be a UUID", field="Correlation-Id")

    def _trace(self) -> str:
        """The caller's trace with a span of our own; a trace named after the correlation id when there is none."""
        version, _, rest = self.headers.get(b"traceparent", b"").decode("latin-1").partition("-")
        trace, _, rest = rest.partition("-")
        span, _, flags = rest.partition("-")
        known = version == "00" and _hex(trace, 32) and _hex(span, 16) and _hex(flags, 2)
        if not known:
            trace, flags = self.correlation_id.hex, "01"
        return f"00-{trace}-{secrets.token_hex(8)}-{flags}"

    def query(self) -> dict[str, str]:
        """The query's fields, the last of each name. Raises Invalid."""
        try:
            pairs = parse_qsl(
                self.query_string.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
            )
        except ValueError as error:
            raise Invalid("The query cannot be read") from error
        return dict(pairs)


def _hex(text: str, length: int) -> bool:
    """W3C Trace Context: lower-case hex, and not all zero unless these are the flags."""
    return len(text) == length and not text.strip("0123456789abcdef") and (length == 2 or bool(text.strip("0")))  # noqa: PLR2004 - flags are one byte
