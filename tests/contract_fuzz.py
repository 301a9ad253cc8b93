"""Fuzzes an API from its own OpenAPI document, as everybody and as nobody: no 5xx, and a refused request stores nothing."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ANONYMOUS = "anonymous"
ECHO_CHARACTERS_MIN = 8
EARLIEST = "2000-01-01T00:00:00Z"  # JSON Schema has no word for the earliest instant


@dataclass(frozen=True)
class Fault:
    """One thing that an API must not do, and the answer that shows it."""

    who: str
    operation: str
    status: int
    reason: str
    answer: str


@dataclass(frozen=True)
class Asked:
    """A request, and how many events were stored before it."""

    who: str
    operation: str
    stored: int
    body: object = None


@dataclass
class Fuzz:
    """`tokens` are by the caller's name, all of `site`; `stored` counts the events on disk, nobody else may write meanwhile.

    `known` gives path parameters of records that exist, such as `{"taper_id": …}`: valid requests are sent about them too.
    """

    base_url: str
    tokens: Mapping[str, str]
    stored: Callable[[], int]
    site: str = "riverside"
    known: Mapping[str, str] = field(default_factory=dict)
    examples: int = 10
    seed: int = 20_260_101
    faults: list[Fault] = field(default_factory=list)
    sent: dict[int, int] = field(default_factory=dict)
    _named: str = ""

    def run(self) -> list[Fault]:
        """Every operation, with valid and invalid requests from the document and with bodies that no document describes."""
        answer = requests.get(f"{self.base_url}/openapi.json", timeout=30)
        self._named = answer.text + EARLIEST
        schema = schemathesis.openapi.from_dict(answer.json())
        with requests.Session() as session:
            for result in schema.get_all_operations():
                if isinstance(result, Err):
                    raise result.err()
                operation = result.ok()
                acting = {"Evenkeel-Site": self.site}
                self._generated(operation, GenerationMode.NEGATIVE, session, {}, {})
                self._generated(operation, GenerationMode.POSITIVE, session, acting, {})
                known = {name: value for name, value in self.known.items() if f"{{{name}}}" in operation.path}
                if known:
                    self._generated(operation, GenerationMode.POSITIVE, session, acting | {"If-Match": '"1"'}, known)
                self._nasty(operation.definition.raw, operation.method, operation.path, session)
        return self.faults

    def _generated(
        self,
        operation: Any,
        mode: GenerationMode,
        session: requests.Session,
        fixed: Mapping[str, str],
        known: Mapping[str, str],
    ) -> None:
        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=self.examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=dict(known) or None))
        def send(case: Case[Any]) -> None:
            for who, headers in self._callers():
                asked = Asked(who, operation.label, self.stored(), case.body)
                response = case.call(base_url=self.base_url, session=session, headers={**fixed, **headers})
                self._judge(asked, response, _off_document(who, case, response))

        try:
            send()
        except (hypothesis.errors.Unsatisfiable, schemathesis.errors.InvalidSchema) as error:
            if mode is GenerationMode.POSITIVE:
                self.faults.append(Fault("", operation.label, 0, f"the document allows no request: {error}", ""))

    def _nasty(self, described: Mapping[str, Any], method: str, path: str, session: requests.Session) -> None:
        if "requestBody" not in described:
            return
        url = self.base_url + _filled(path)
        for who, headers in self._callers():
            always = {"Idempotency-Key": uuid.uuid4().hex, "If-Match": '"1"', "Evenkeel-Site": self.site, **headers}
            for kind, body in nasty_bodies():
                asked = Asked(who, f"{method.upper()} {path}", self.stored())
                response = session.request(method, url, data=body, headers={**always, "Content-Type": kind}, timeout=30)
                reason = None if 400 <= response.status_code < 500 else "was not refused as the caller's fault"
                self._judge(asked, response, reason)

    def _judge(self, asked: Asked, response: Any, reason: str | None) -> None:
        status, text = response.status_code, response.text
        self.sent[status] = self.sent.get(status, 0) + 1
        if status >= 400 and self.stored() != asked.stored:
            reason = "stored something and refused"
        # A limit may be named in an answer, also when the request happens to hold it.
        if status >= 400 and any(value in text and value not in self._named for value in _texts(asked.body)):
            reason = "quotes a value of the request"
        if reason:
            self.faults.append(Fault(asked.who, asked.operation, status, reason, text[:500]))

    def _callers(self) -> Iterator[tuple[str, dict[str, str]]]:
        yield ANONYMOUS, {"Authorization": ""}
        for who, token in self.tokens.items():
            yield who, {"Authorization": f"Bearer {token}"}


def _off_document(who: str, case: Case[Any], response: schemathesis.Response) -> str | None:
    """How the answer differs from what the document promises."""
    if who == ANONYMOUS and response.status_code != 401:
        return "answered somebody unknown"
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as found:
        return "; ".join(str(one)[:500] for one in found.exceptions)
    return None


def nasty_bodies() -> Iterator[tuple[str, bytes]]:
    """Bodies that a careless parser accepts, or dies of."""
    json_kind = "application/json"
    deep = 50_000
    for body in (
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 400 + b"}",
        b'{"a": 1e99999}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"[" * deep + b"]" * deep,
        b'{"a":' * deep + b"1" + b"}" * deep,
        b'{"a": "' + b"x" * 10_000_000 + b'"}',
    ):
        yield json_kind, body
    yield "text/plain", b"{}"
    yield "application/x-www-form-urlencoded", b"a=1"
    yield "application/json; charset=utf-16", "{}".encode("utf-16")


def _filled(path: str) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}{uuid.uuid4()}{rest.partition('}')[2]}"
    return path


def _texts(body: object) -> Iterator[str]:
    """Texts of a generated body that are long enough not to be in an answer by chance."""
    match body:
        case str() if len(body) >= ECHO_CHARACTERS_MIN:
            yield json.dumps(body, ensure_ascii=False)[1:-1]
        case dict():
            for value in body.values():
                yield from _texts(value)
        case list():
            for value in body:
                yield from _texts(value)
        case _:
            return
