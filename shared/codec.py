"""Events to bytes and back: plain fields as JSON, personal fields apart so that they can be sealed."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from types import ModuleType, NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.event import ERASED, PERSONAL
from shared.failures import Failure

EVERY_SERVICES: Final = "shared.events.parking."
"""What every service writes; a vocabulary takes it up by importing it."""

type Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class UnknownEvent(Failure):
    """The log holds a type or version that this program does not know."""


class Undecodable(Failure):
    """The stored bytes do not fit the event's fields."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event ready to be stored: `data` is JSON; `personal` is JSON to be sealed, or None when nothing is personal."""

    type: str
    schema_version: int
    data: bytes
    personal: bytes | None


class Codec:
    """Knows every event of one service's vocabulary, `shared.events.<service>`, and how old versions become new ones."""

    def __init__(self, vocabulary: ModuleType) -> None:
        """Collect the event classes; a module may offer `UPCASTS = {("DoseReduced", 1): function}`.

        Raises TypeError at import when an older version has no upcast.
        """
        self.service = vocabulary.__name__.rpartition(".")[2]
        self.types: dict[str, type] = {
            name: cls
            for name, cls in inspect.getmembers(vocabulary, inspect.isclass)
            if hasattr(cls, "__schema_version__")
            and f"{cls.__module__}.".startswith((f"{vocabulary.__name__}.", EVERY_SERVICES))
        }
        self.upcasts: Mapping[tuple[str, int], Upcast] = getattr(vocabulary, "UPCASTS", {})
        for name in self.types:
            for version in range(1, self.version_of(name)):
                if (name, version) not in self.upcasts:
                    raise TypeError(f"{name} has no upcast from version {version}: stored events could not be read")
        self._personal = {name: _personal_fields(cls) for name, cls in self.types.items()}

    def version_of(self, type_name: str) -> int:
        """The schema version that is written today."""
        return int(self.types[type_name].__schema_version__)  # type: ignore[attr-defined]

    def personal_fields(self, type_name: str) -> frozenset[str]:
        """The names of the fields that are sealed."""
        return frozenset(self._personal[type_name])

    def without_personal[E](self, event: E) -> E:
        """The event as whoever may not open it reads it."""
        erased = self._personal[type(event).__name__]
        return replace(event, **erased) if erased else event  # type: ignore[type-var]

    def encode(self, event: object) -> Encoded:
        """Split and serialise. Raises UnknownEvent for a class outside the vocabulary."""
        name = type(event).__name__
        if self.types.get(name) is not type(event):
            raise UnknownEvent(name)
        plain = msgspec.to_builtins(event)
        personal = {key: plain.pop(key) for key in self._personal[name]}
        sealed = msgspec.json.encode(personal) if personal else None
        return Encoded(name, self.version_of(name), msgspec.json.encode(plain), sealed)

    def decode(self, type_name: str, schema_version: int, data: bytes | str, personal: bytes | None) -> Any:
        """Rebuild the event; `personal` None means that the personal fields are erased or not ours to read.

        Raises UnknownEvent (type or version) or Undecodable (not JSON, missing field, wrong type).
        """
        cls = self.types.get(type_name)
        if cls is None or not 1 <= schema_version <= self.version_of(type_name):
            raise UnknownEvent(f"{type_name} version {schema_version}")
        try:
            content = msgspec.json.decode(data, type=dict[str, Any])
            erased = self._personal[type_name]
            content |= msgspec.json.decode(personal, type=dict[str, Any]) if personal is not None else erased
            for version in range(schema_version, self.version_of(type_name)):
                content = self.upcasts[type_name, version](content)
            return msgspec.convert(content, cls)
        except (
            msgspec.MsgspecError,
            LookupError,
            ValueError,
            TypeError,
            ArithmeticError,
        ) as error:  # upcasts raise these
            # The cause's text may quote a value: it stays in the chain, the message names the type only.
            raise Undecodable(f"{type_name} version {schema_version}") from error


def _personal_fields(cls: type) -> dict[str, str | None]:
    """Field name to its value after erasure. A personal field that could not be erased is refused here, at import."""
    assert is_dataclass(cls)
    hints = get_type_hints(cls, include_extras=True)
    found: dict[str, str | None] = {}
    for one in fields(cls):
        arguments = get_args(hints[one.name])
        if PERSONAL not in arguments:
            continue
        inner = arguments[0]
        optional = get_origin(inner) in (Union, UnionType) and NoneType in get_args(inner)
        if inner is not str and not optional:
            raise TypeError(f"{cls.__name__}.{one.name}: a personal field is `Personal[str]` or `Personal[X | None]`")
        found[one.name] = None if optional else ERASED
    return found
