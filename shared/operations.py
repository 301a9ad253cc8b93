"""A route compiled once: who may call it, how its parts are read, its one call, and how the answer is written.

FastAPI declares the routes and writes the document; the requests do not pass through its handler. Measured on one core
with 41 routes: 416 µs a request through `include_router`, 191 with this table in front of FastAPI's handler, 73 compiled.
"""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from fastapi import params
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import RouteContext
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.access import Rule
from shared.bodies import read_body, read_json, require_json
from shared.calls import CALL, Call
from shared.consistency import Watcher
from shared.doors import Accepted, AlreadyDone, CommandDoor
from shared.failures import Forbidden, Invalid, MethodNotAllowed, TooManyAtOnce
from shared.identity import Verifier
from shared.paging import Page
from shared.problems import FieldError, InvalidFields, field_errors, plain_name
from shared.reading import QueryDoor
from shared.resources import Resources

PAGE_FIELDS: Final = ("limit", "cursor")


def command_door() -> CommandDoor:
    """Mark a route as a command; the operation opens the door itself."""
    raise NotImplementedError


def query_door() -> QueryDoor:
    """Mark a route as a query; the operation opens the door itself."""
    raise NotImplementedError


class RouteNotPlain(Exception):  # noqa: N818 - named for the plain fact, as the failures are
    """A route takes fields of path and query, at most one JSON body and at most one door; nothing else."""


class Turns:
    """How many requests each caller has under way: who floods the service is told so, and the others hardly notice."""

    def __init__(self, each_max: int) -> None:
        self._each_max = each_max
        self._under_way = Counter[str]()

    @contextmanager
    def one(self, subject: str) -> Iterator[None]:
        """Raises TooManyAtOnce."""
        if self._under_way[subject] >= self._each_max:
            raise TooManyAtOnce(requests_in_flight_per_caller_max=self._each_max)
        self._under_way[subject] += 1
        try:
            yield
        finally:
            self._under_way[subject] -= 1
            if not self._under_way[subject]:
                del self._under_way[subject]


class Operation:
    """One route at work. Serves requests once `resources`, `verifier`, `watcher` and `turns` are there."""

    resources: Resources
    verifier: Verifier
    watcher: Watcher
    turns: Turns

    def __init__(self, route: RouteContext, rule: Rule, body_bytes_max: int) -> None:
        """Raises RouteNotPlain."""
        needs = _checked(route)
        self.name: str = route.name or ""
        self.methods = frozenset(route.methods or ())
        self.path: re.Pattern[str] = route.path_regex
        self.endpoint: Callable[..., Any] = needs.call
        self.door_name = needs.dependencies[0].name if needs.dependencies else None
        self.is_command = any(one.call is command_door for one in needs.dependencies)
        self.body_field = needs.body_params[0] if needs.body_params else None
        model = route.response_model
        self.is_paged = getattr(model, "__origin__", model) is Page
        self.query_names = {one.alias for one in needs.query_params} | set(PAGE_FIELDS if self.is_paged else ())
        self._rule, self._body_bytes_max = rule, body_bytes_max
        self._path_fields, self._query_fields = needs.path_params, needs.query_params
        self._body = TypeAdapter[Any](self.body_field.field_info.annotation) if self.body_field else None
        self._status: int = route.status_code or 200
        self._response_field = route.response_field
        self._kind: bytes = getattr(route.response_class, "media_type", "application/json").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path_params: Mapping[str, str]) -> None:
        """Answer one request. Raises Failures; nothing is looked at before the caller is known and permitted."""
        call: Call = scope[CALL]
        call.operation, call.rule = self.name, self._rule
        call.caller = self.verifier.caller(call.headers.get(b"authorization"))
        if not call.caller.permitted(self._rule):
            raise Forbidden
        with self.turns.one(call.caller.subject):
            body = await self._answer(call, receive, path_params)
        headers = [(b"content-type", self._kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, call: Call, receive: Receive, path_params: Mapping[str, str]) -> bytes:
        call.check_correlation()
        arguments = self._fields(call, path_params)
        reads_body = self.is_command or self.body_field
        if reads_body:
            call.body = await read_body(call.headers, receive, self._body_bytes_max)
        if self.door_name:
            door = CommandDoor if self.is_command else QueryDoor
            arguments[self.door_name] = door(call, self.resources, self.watcher)
        if reads_body:
            arguments |= self._body_argument(call)
        try:
            return self._written(await self.endpoint(**arguments))
        except AlreadyDone as done:
            return self._written(done.accepted)

    def _fields(self, call: Call, path_params: Mapping[str, str]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        errors: list[Any] = []
        for one in self._path_fields:
            arguments[one.name], wrong = one.validate(path_params[one.alias], {}, loc=("path", one.alias))
            errors += wrong or ()
        if call.query_string:
            unknown = call.query().keys() - self.query_names
            if unknown:
                raise InvalidFields([FieldError(plain_name(one), "Unknown field") for one in sorted(unknown)])
        if self._query_fields:
            values, wrong = request_params_to_args(self._query_fields, QueryParams(call.query_string))
            arguments |= values
            errors += wrong
        if errors:
            raise InvalidFields(field_errors(errors, None))
        return arguments

    def _body_argument(self, call: Call) -> dict[str, Any]:
        """Read strictly: a date is a text, a whole number has no quotation marks, and a field that nobody knows is refused."""
        if self._body is None or self.body_field is None:
            if call.body not in (b"", b"{}"):
                raise Invalid("This operation takes no body")
            return {}
        if not call.body and not self.body_field.field_info.is_required():
            return {}
        require_json(call.headers)
        written = read_json(call.body)
        try:
            return {self.body_field.name: self._body.validate_json(call.body, strict=True)}
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            raise InvalidFields(field_errors(wrong, written)) from error

    def _written(self, result: Any) -> bytes:
        if isinstance(result, Accepted):
            return msgspec.json.encode(result)
        if isinstance(result, bytes):  # a picture or a print, of the kind that the route declares
            return result
        field = self._response_field
        if field is None:
            return b""
        if isinstance(result, Page):  # its rows are still to become what the route declares
            result = {"items": result.items, "next": result.next}
        value, errors = field.validate(result, {}, loc=("response",))
        if errors:
            raise TypeError(f"{self.name} answered with something else than it declares")
        return bytes(field.serialize_json(value))


def _checked(route: RouteContext) -> Any:
    """What FastAPI found out about the route. Raises RouteNotPlain where that is more than an operation can give."""
    needs = route.dependant
    strange = [
        needs.header_params,
        needs.cookie_params,
        needs.request_param_name,
        needs.response_param_name,
        needs.background_tasks_param_name,
        [one for one in needs.dependencies if one.call not in (command_door, query_door)],
        needs.dependencies[1:],
        needs.body_params[1:],
        [one for one in needs.body_params if isinstance(one.field_info, params.Form)],
    ]
    if any(strange) or not inspect.iscoroutinefunction(needs.call):
        raise RouteNotPlain(f"{route.name}: {RouteNotPlain.__doc__}")
    return needs


class Switchboard:
    """Finds the operation by one regular expression per method; what is not the service's goes on to `rest`."""

    def __init__(self, rest: ASGIApp, operations: Sequence[Operation]) -> None:
        self._rest, self._operations = rest, operations
        self._found: dict[str, re.Pattern[str]] = {}
        for method in sorted({method for one in operations for method in one.methods}):
            choices = [
                f"(?P<o{place}>{re.sub(r'[(][?]P<[^>]+>', '(?:', one.path.pattern)})"
                for place, one in enumerate(operations)
                if method in one.methods
            ]
            self._found[method] = re.compile("|".join(choices))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises MethodNotAllowed for a path that exists with other methods only."""
        path = scope["path"]
        choices = self._found.get(scope["method"])
        found = choices.fullmatch(path) if choices else None
        if found and found.lastgroup:
            operation = self._operations[int(found.lastgroup[1:])]
            parts = operation.path.fullmatch(path)
            await operation(scope, receive, send, parts.groupdict() if parts else {})
        elif others := [method for method, one in self._found.items() if one.fullmatch(path)]:
            raise MethodNotAllowed(allow=", ".join(others))
        else:
            await self._rest(scope, receive, send)
