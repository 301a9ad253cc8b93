"""One request on its way through the process: who, what, under which ids, and what its answer will carry."""

import re
import secrets
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.types import Scope
from uuid_utils.compat import uuid7

from shared.access import Caller, Rule
from shared.failures import Invalid

CALL: Final = "evenkeel.call"
QUERY_FIELDS_MAX: Final = 50
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TRACE = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")  # W3C Trace Context


class Call:
    """One request; `caller` and `rule` are there once the caller is known and permitted."""

    caller: Caller
    rule: Rule

    def __init__(self, scope: Scope) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.operation = "unmatched"
        self.status = 0
        self.body = b""
        self.site_id: str | None = None
        self.answer_headers: list[tuple[bytes, bytes]] = []
        given = self.headers.get(b"correlation-id", b"")
        self.correlation_id = UUID(given.decode()) if _UUID.fullmatch(given) else uuid7()
        # The caller's trace with a span of our own; a trace named after the correlation id when there is none.
        known = _TRACE.fullmatch(self.headers.get(b"traceparent", b""))
        trace, flags = (known[1].decode(), known[2].decode()) if known else (self.correlation_id.hex, "01")
        self.traceparent = f"00-{trace}-{secrets.token_hex(8)}-{flags}"

    def check_correlation(self) -> None:
        """Raises Invalid when the caller's correlation id could not be taken."""
        given = self.headers.get(b"correlation-id")
        if given is not None and not _UUID.fullmatch(given):
            raise Invalid("Must be a UUID", field="Correlation-Id")

    def query(self) -> dict[str, str]:
        """The query's fields, the last of each name. Raises Invalid."""
        try:
            return dict(parse_qsl(self.query_string.decode("ascii"), True, max_num_fields=QUERY_FIELDS_MAX))
        except ValueError as error:
            raise Invalid("The query cannot be read") from error
