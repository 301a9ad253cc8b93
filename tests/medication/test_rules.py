"""Every rule fires on the one side of each of its boundaries and rests on the other."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.medication.formulary import FormularyDataError
from services.medication.rules import Condition, Facts, Outcome, Rule, evaluate
from services.medication.rules_table import RULES, FactKind, rule_table
from tests.medication.test_formulary import VECTORS, spoil

TABLE = rule_table()
CASES: list[dict[str, Any]] = yaml.safe_load((VECTORS / "rules.yaml").read_text())
BY_ID = {one.id: one for one in TABLE.rules}


def facts_of(written: dict[str, Any]) -> Facts:
    """A case as the evaluator is given it."""
    return {name: value_of(name, value) for name, value in written.items()}


def value_of(name: str, value: Any) -> Decimal | str | frozenset[str]:
    """By the kind of the fact; medicines bring their classes with them."""
    match TABLE.known[name].kind:
        case FactKind.AMOUNT | FactKind.MOMENT:
            return Decimal(value)
        case FactKind.CHOICE:
            return str(value)
        case FactKind.CLASSES:
            return TABLE.with_classes(value) if name == "medicines" else frozenset(value)


def sides(case: dict[str, Any]) -> Iterator[tuple[Facts, bool]]:
    """Each of the case's facts, and whether the rule fires on them."""
    for name, fires in (("fires", True), ("rests", False)):
        for written in case[name]:
            yield facts_of(written), fires


@pytest.mark.parametrize("case", CASES, ids=lambda one: one["rule"])
def test_the_rule_fires_and_rests_as_its_vectors_say(case: dict[str, Any]) -> None:
    rules = TABLE.at("riverside", case["medicine"])

    assert BY_ID[case["rule"]].outcome.value == case["outcome"]
    for facts, fires in sides(case):
        fired = {one.id for one in evaluate(rules, case["medicine"], facts)}
        assert (case["rule"] in fired) is fires, facts


def test_every_rule_fired_and_rested_at_least_once() -> None:
    """The coverage report: a rule without vectors on both sides is not covered."""
    covered = {one["rule"] for one in CASES if one["fires"] and one["rests"]}

    assert {one.id for one in TABLE.rules} - covered == set(), "rules without vectors"
    assert len(CASES) == len(TABLE.rules), "a rule's vectors stand in one place"


OTHER_SIDE = {"above": "at_least", "at_least": "above", "below": "at_most", "at_most": "below"}


def mutants(rule: Rule) -> Iterator[Rule]:
    """The rule with each of its boundaries on the other side, each condition left out, and each exception forgotten."""
    for place, one in enumerate(rule.when):
        before, after = rule.when[:place], rule.when[place + 1 :]
        yield replace(rule, when=(*before, *after))
        for name, bound in one.bounds.items():
            moved: dict[str, Any] = {name: None, OTHER_SIDE[name]: bound}
            yield replace(rule, when=(*before, replace(one, **moved), *after))
    for place in range(len(rule.unless)):
        yield replace(rule, unless=rule.unless[:place] + rule.unless[place + 1 :])


@pytest.mark.parametrize("case", CASES, ids=lambda one: one["rule"])
def test_a_rule_that_is_a_little_different_does_not_pass_its_vectors(case: dict[str, Any]) -> None:
    """Each boundary has a vector exactly on it: `at least` read as `above` is caught, so is a condition that is lost."""
    for mutant in mutants(BY_ID[case["rule"]]):
        assert any(mutant.fires(facts) is not fires for facts, fires in sides(case)), mutant


def test_the_strongest_outcomes_name_who_may_override() -> None:
    for rule in TABLE.rules:
        assert rule.source.text
        assert rule.source.section
        if rule.outcome is Outcome.OVERRIDE:
            assert rule.named["may_override"].startswith("a ")
        elif rule.outcome is Outcome.BLOCK:
            assert rule.named["may_override"].startswith("nobody")
    assert "medical director" in BY_ID["buprenorphine-very-high-dose"].may_override
    assert "another person" in BY_ID["methadone-qtc-500"].may_override


def test_opioid_treatment_is_never_blocked_for_a_benzodiazepine() -> None:
    """FDA 2017: a risk to manage. In both directions it is a warning that asks for naloxone."""
    for medicine, taken in (("methadone", "diazepam"), ("diazepam", "methadone")):
        fired = evaluate(TABLE.at("riverside", medicine), medicine, {"medicines": TABLE.with_classes([taken])})
        warned = next(one for one in fired if "benzodiazepine" in one.id)
        assert (warned.outcome, warned.tasks) == (Outcome.WARN, ("naloxone-prescription",))


def test_a_condition_says_nothing_of_what_is_unknown() -> None:
    assert not Condition("qtc", at_least=Decimal(0), unit="ms").holds({})
    assert Condition("qtc", unknown=True).holds({})
    assert not Condition("qtc", unknown=True).holds({"qtc": Decimal(400)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(RULES, tmp_path / "rules")
    return tmp_path / "rules"


SITE_BOUND = """- rule: buprenorphine-start-cows
  rule_version: 1
  site_id: riverside
  version: 3
  bound: '8'
  source: bridge protocol of the site
  evidence: C
  signed_off_by: null
"""


def test_a_site_moves_a_bound_where_the_rule_lets_it(folder: Path) -> None:
    (folder / "sites").mkdir()
    (folder / "sites" / "riverside.yaml").write_text(SITE_BOUND)
    table, start = rule_table(folder), facts_of({"new_start": "yes", "cows_score": "9"})

    assert not _cows(table.at("riverside", "buprenorphine"), start)
    (elsewhere,) = _cows(table.at("hilltop", "buprenorphine"), start)
    (lower,) = _cows(table.at("riverside", "buprenorphine"), {**start, "cows_score": Decimal(7)})
    assert len(elsewhere.used) == 1
    assert [(one.policy_id, one.policy_version) for one in lower.used] == [
        ("buprenorphine-start-cows", 1),
        ("buprenorphine-start-cows/riverside", 3),
    ]


def _cows(rules: tuple[Rule, ...], facts: Facts) -> tuple[Rule, ...]:
    return tuple(one for one in evaluate(rules, "buprenorphine", facts) if one.id == "buprenorphine-start-cows")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("bound: '8'", "bound: '7'", "does not allow"), ("rule_version: 1", "rule_version: 2", "not the newest")],
)
def test_a_site_moves_no_bound_out_of_its_range(folder: Path, old: str, new: str, message: str) -> None:
    (folder / "sites").mkdir()
    (folder / "sites" / "riverside.yaml").write_text(SITE_BOUND.replace(old, new))

    with pytest.raises(FormularyDataError, match=message):
        rule_table(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("acamprosate.yaml", "medicines: [acamprosate]", "medicines: [acamprosat]", "no acamprosat"),
        ("acamprosate.yaml", "unit: mL/min", "unit: mg", "cannot be asked"),
        ("acamprosate.yaml", "fact: creatinine_clearance", "fact: creatinin", "nothing is known"),
        ("acamprosate.yaml", "at_most: '30'", "at_most: '30', unknown: true", "one way"),
        ("acamprosate.yaml", "outcome: block", "outcome: forbid", "acamprosate.yaml"),
        ("acamprosate.yaml", "outcome: block", "outcome: override", "says who may"),
        ("acamprosate.yaml", "section: ", "chapter: ", "acamprosate.yaml"),
        ("disulfiram.yaml", "[severe-cardiac-disease]", "[heart]", "cannot be asked"),
        ("methadone.yaml", "id: methadone-first-day-40", "id: methadone-first-dose", "stands twice"),
        ("buprenorphine.yaml", "at_most: '13'", "at_most: '9'", "range"),
    ],
)
def test_a_contradiction_stops_the_start(folder: Path, file: str, old: str, new: str, message: str) -> None:
    spoil(folder / file, old, new)

    with pytest.raises(FormularyDataError, match=message):
        rule_table(folder)
