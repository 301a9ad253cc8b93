"""A released schema is a promise: this finds every way in which today's schemas would break it (trap T39).

Allowed: a new event, a new optional field, a new version of an event beside the old ones' upcasts, a longer description.
Refused: a removed or renamed event or field, a field that becomes required, a changed type, a value taken from an enumeration
or added to one (a reader that lists every value would not know it).
"""

from collections.abc import Iterator, Mapping
from typing import Any

type Schema = dict[str, Any]

# Words about a value that do not change which values are valid.
SILENT = frozenset({"title", "description", "examples", "$id", "$schema", "default"})


def breaks(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[str]:
    """One sentence per broken promise, empty when today's schemas keep them all. Keys are names such as `DoseReduced.v1`."""
    found: list[str] = []
    for name, old in released.items():
        kind, _, version = name.rpartition(".v")
        newer = [
            other
            for other in current
            if other.rpartition(".v")[0] == kind and int(other.rpartition(".v")[2]) > int(version)
        ]
        if name in current:
            found += [f"{name}{sentence}" for sentence in _differences(old, current[name], old, current[name])]
        elif not newer:
            found.append(f"{name}: the event is gone; stored events of this type could no longer be read")
    return found


def _differences(old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str = "") -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    for word in sorted(
        (old.keys() | new.keys()) - SILENT - {"properties", "required", "$defs", "items", "anyOf", "prefixItems"}
    ):
        if old.get(word) != new.get(word):
            yield f"{path}: `{word}` was {old.get(word)!r} and is {new.get(word)!r}"
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    for field in sorted(old_fields.keys() - new_fields.keys()):
        yield f"{path}.{field}: the field is gone (a rename is a removal)"
    for field in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        yield f"{path}.{field}: the field is newly required"
    for field in sorted(old_fields.keys() & new_fields.keys()):
        yield from _differences(old_fields[field], new_fields[field], old_root, new_root, f"{path}.{field}")
    yield from _nested(old, new, old_root, new_root, path)


def _nested(old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str) -> Iterator[str]:
    for word in ("anyOf", "prefixItems"):
        before, after = old.get(word, []), new.get(word, [])
        if len(before) != len(after):
            yield f"{path}: the number of alternatives was {len(before)} and is {len(after)}"
        for one, other in zip(before, after, strict=False):
            yield from _differences(one, other, old_root, new_root, path)
    before, after = old.get("items"), new.get("items")
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _differences(before, after, old_root, new_root, f"{path}[]")
    elif before != after:
        yield f"{path}: `items` was {before!r} and is {after!r}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself, or what its `$ref` points to (events are trees: a definition never contains itself)."""
    if "$ref" not in schema:
        return schema
    definition: Schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return definition
