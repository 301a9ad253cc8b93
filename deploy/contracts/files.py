"""The contract files in `docs/contracts/`: what they should hold, whether they do, and what has been released."""

import html
import json
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import typer
import yaml
from typer.cli import get_docs_for_click

from deploy.contracts.asyncapi import document
from deploy.contracts.compatibility import breaks
from deploy.contracts.policies import page
from deploy.contracts.schemas import Schema, event_schemas

SERVICES = ("intake", "scheduling", "medication")
OUTPUTS = {
    "intake.plan-state.v1": "Each patient's state of the treatment plan, the newest record per patient.",
    "medication.taper-schedule.v1": "Each patient's taper schedules, the newest record per patient.",
}
FOLDER = Path("docs/contracts")
RELEASED = FOLDER / "released"


def schemas_of_today() -> dict[str, dict[str, Schema]]:
    """The event schemas of every service, from the code."""
    return {service: event_schemas(service, import_module(f"shared.events.{service}")) for service in SERVICES}


def generated() -> dict[Path, str]:
    """Every generated file with the text it should have; a released snapshot is not among them."""
    events = schemas_of_today()
    files = {
        FOLDER / "events" / service / f"{name}.json": _json(schema)
        for service, schemas in events.items()
        for name, schema in schemas.items()
    }
    asyncapi = document(metadata.version("evenkeel"), events, OUTPUTS)
    files[FOLDER / "asyncapi.yaml"] = yaml.safe_dump(asyncapi, sort_keys=False, allow_unicode=True, width=120)
    for service in SERVICES:
        files[FOLDER / "openapi" / f"{service}.json"] = _json(_openapi(service))
    files[FOLDER / "commands.md"] = _commands()
    files[Path("docs/medication-policies.md")] = page()
    return files


def outdated(root: Path) -> list[str]:
    """One sentence per file that is missing, differs from the code, or should not be there."""
    expected = generated()
    found = [
        f"{path}: {'missing' if not (root / path).exists() else 'differs from the code'}"
        for path, text in expected.items()
        if not (root / path).exists() or (root / path).read_text() != text
    ]
    present = [path.relative_to(root) for path in (root / FOLDER).rglob("*.*") if path.is_file()]
    strays = [path for path in present if path not in expected and not path.is_relative_to(RELEASED)]
    return found + [f"{path}: nothing generates it" for path in strays if path.suffix != ".md"]


def broken_promises(root: Path) -> list[str]:
    """What today's schemas break of the released ones (trap T39)."""
    today = schemas_of_today()
    found: list[str] = []
    for service in SERVICES:
        snapshot = root / RELEASED / f"{service}.json"
        released = json.loads(snapshot.read_text()) if snapshot.exists() else {}
        found += [f"{service}: {sentence}" for sentence in breaks(released, today[service])]
    return found


def write(root: Path) -> int:
    """Write every generated file, remove what is no longer generated; how many files there are."""
    expected = generated()
    for old in (root / FOLDER / "events").rglob("*.json"):
        if old.relative_to(root) not in expected:
            old.unlink()
    for path, text in expected.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return len(expected)


def release(root: Path) -> None:
    """Take today's schemas as promised from now on. Older versions of an event stay promised."""
    for service, schemas in schemas_of_today().items():
        snapshot = root / RELEASED / f"{service}.json"
        before: dict[str, Schema] = json.loads(snapshot.read_text()) if snapshot.exists() else {}
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(_json(before | schemas))


def _openapi(service: str) -> dict[str, Any]:
    from shared.http import create_app  # noqa: PLC0415 - only this path needs the web framework
    from shared.settings import Settings  # noqa: PLC0415 - same

    settings = Settings(database_dsn="", keyring_dsn="", kafka="", site_keys_file=Path())  # nothing is opened
    return create_app(import_module(f"services.{service}.main").SERVICE, settings).openapi()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def _commands() -> str:
    # Deploy scripts call the commands: they are promised like the documents. Imported here, for `contracts` is one of them.
    command = typer.main.get_command(import_module("deploy.cli").app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="evenkeel")
    return html.unescape(text).strip() + "\n"
