"""The AsyncAPI document is valid for the official parser, and the contracts on disk are those of the code."""

import json
import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy.contracts import files
from deploy.contracts.schemas import event_schemas
from deploy.topics import declared

ROOT = Path(__file__).parents[2]
PARSER = "@asyncapi/parser@3.6.3"
SCRIPT = """
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const faults = diagnostics.filter((one) => one.severity <= 1).map((one) => `${one.path.join('.')}: ${one.message}`);
console.log(JSON.stringify({ valid: Boolean(document), faults }));
"""


def test_the_contracts_on_disk_are_those_of_the_code() -> None:
    """T39."""
    assert files.outdated(ROOT) == []
    assert files.broken_promises(ROOT) == []


def test_every_topic_is_described() -> None:
    document = yaml.safe_load((ROOT / files.FOLDER / "asyncapi.yaml").read_text())

    assert {one["address"] for one in document["channels"].values()} == {one.name for one in declared()}


@pytest.mark.parametrize("service", files.SERVICES)
def test_every_event_schema_is_a_schema(service: str) -> None:
    schemas = event_schemas(service, import_module(f"shared.events.{service}"))

    assert schemas
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: the official parser cannot be asked")
def test_the_official_parser_accepts_the_document() -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "evenkeel" / "asyncapi-parser"
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "node_modules" / "@asyncapi" / "parser").exists():
        (cache / "package.json").write_text("{}")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", PARSER]
        subprocess.run(command, cwd=cache, check=True, capture_output=True, timeout=240)
    (cache / "validate.mjs").write_text(SCRIPT)
    document = ROOT / files.FOLDER / "asyncapi.yaml"
    said = subprocess.run(
        ["node", "validate.mjs", str(document)], cwd=cache, check=True, capture_output=True, text=True
    )

    assert json.loads(said.stdout) == {"valid": True, "faults": []}
