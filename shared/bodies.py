"""A request's body: short enough, of the right kind, and JSON that reads the same way to everybody."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from shared.failures import Failure, Invalid, TooLarge
from shared.problems import plain_name

NUMBER_CHARACTERS_MAX: Final = 64
_CHARSETS = frozenset({b"", b"charset=utf-8", b'charset="utf-8"'})
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnsupportedMediaType(Failure):
    """The body must be application/json in UTF-8, not compressed."""

    status = 415


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, bytes_max: int) -> bytes:
    """The whole body, also when it comes in chunks. Raises TooLarge as soon as it is known to be."""
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced[:19]) > bytes_max:
        raise _too_large(bytes_max)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > bytes_max:
            raise _too_large(bytes_max)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(bytes_max: int) -> TooLarge:
    return TooLarge(f"A body has at most {bytes_max} bytes", body_bytes_max=bytes_max)


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Raises UnsupportedMediaType."""
    kind, _, parameter = headers.get(b"content-type", b"").lower().partition(b";")
    if kind.strip() != b"application/json" or parameter.strip() not in _CHARSETS:
        raise UnsupportedMediaType(field="Content-Type")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedMediaType(field="Content-Encoding")


def read_json(raw: bytes) -> Any:
    """The document's shape: objects, lists and texts as written; numbers only as "here is a number".

    Raises Invalid for what some parsers let through and others do not: NaN, a field written twice, a number too long to
    mean anything, texts that no database can hold, nesting without end.
    """
    try:
        text, reader = raw.decode(), _Reader()
        document = reader.decode(text)
        if reader.odd or _SUSPECT.search(text):
            _refuse_odd(document)
    except UnicodeDecodeError as error:
        raise Invalid("Body is not UTF-8") from error
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise Invalid(f"Body is not valid JSON: {reason} at character {error.pos}") from error
    except RecursionError as error:
        raise Invalid("Body is nested too deeply") from error
    return document


class _Odd(str):
    """Stands in the document where something odd was written; says what."""

    __slots__ = ()


class _Reader(json.JSONDecoder):
    def __init__(self) -> None:
        number = self._number
        super().__init__(
            object_pairs_hook=self._once, parse_int=number, parse_float=number, parse_constant=self._constant
        )
        self.odd = False

    def _mark(self, reason: str) -> _Odd:
        self.odd = True
        return _Odd(reason)

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) < len(pairs):
            names = [name for name, _ in pairs]
            document |= {name: self._mark("Field is written twice") for name in names if names.count(name) > 1}
        return document

    def _number(self, digits: str) -> Any:
        return 0 if len(digits) <= NUMBER_CHARACTERS_MAX else self._mark("Number has too many characters")

    def _constant(self, name: str) -> Any:
        return self._mark(f"{name} is not a number in JSON")


def _refuse_odd(document: Any) -> None:
    for path, value in _leaves(document, ""):
        if isinstance(value, _Odd):
            raise Invalid(str(value), field=path or None)
        if isinstance(value, str) and _UNSTORABLE.search(value):
            raise Invalid("Text has a character that cannot be stored", field=path or None)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every text, number and name of a field in the document, with where it stands."""
    match value:
        case dict():
            for name, inner in value.items():
                here = f"{path}.{plain_name(name)}" if path else plain_name(name)
                yield here, name
                yield from _leaves(inner, here)
        case list():
            for place, inner in enumerate(value):
                yield from _leaves(inner, f"{path}[{place}]")
        case _:
            yield path, value
