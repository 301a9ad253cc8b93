"""The table of medication's policies for those who sign them off: which figure, which version, where it comes from, how sure it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

POLICIES: Final = Path(__file__).parents[2] / "services" / "medication" / "policies"
TITLES: Final = {
    "": "Orders and tapers in general",
    "window": "The dosing window",
    "missed": "Missed doses",
    "tapering": "Tapers by guideline",
    "detox": "Withdrawal managed here",
    "stock": "Stock",
    "rules": "Rules about orders",
}
HEAD: Final = """# Medication: the policies

Made from `services/medication/policies` by `evenkeel contracts generate`. Evidence: A regulator, label or guideline; B reputable secondary; C weak secondary; GK general
knowledge, to be verified. What nobody has signed off is a proposal of the program's authors: have your medical director read it first. What the rules mean in daily
work: [medication](medication.md).
"""


def page() -> str:
    """The page as it should be."""
    parts = [HEAD]
    for folder, title in TITLES.items():
        rows = sorted(_row(one) for path in sorted((POLICIES / folder).glob("*.yaml")) for one in _entries(path))
        if rows:
            head = ("policy", "about", "source", "evidence", "who may override", "signed off by")
            lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
            parts.append(f"## {title}\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _entries(path: Path) -> Iterator[Mapping[str, Any]]:
    """Everything in a file that names itself and its source."""
    document = yaml.safe_load(path.read_text("utf-8"))
    for one in document if isinstance(document, list) else [document]:
        if {"id", "version", "source"} <= one.keys():
            yield one


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    source = one["source"] if isinstance(one["source"], dict) else {"text": one["source"], "evidence": one["evidence"]}
    told = ": ".join(source[part] for part in ("text", "section") if part in source)
    about = one.get("reason") or one.get("name") or one["unit"]
    if "outcome" in one:
        about = f"{one['outcome']}: {about}"
    columns = (f"`{one['id']}` {one['version']}", about, told, source["evidence"], _who(one), one["signed_off_by"])
    return tuple(" ".join(str(column or "nobody yet").split()).replace("|", r"\|") for column in columns)


def _who(one: Mapping[str, Any]) -> str:
    if override := one.get("override"):
        roles = " or ".join(override["roles"]).replace("_", " ")
        return f"{roles}, with a second person" if override["second_person"] else roles
    if "outcome" in one:
        return "nobody" if one["outcome"] == "block" else "not needed"
    return str(one.get("may_override", "nobody")).replace("_", " ")
