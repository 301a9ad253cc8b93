"""Bad days as an operator lives through them, with the commands as they are typed, on the whole system."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from shared.lanes import lane_of
from tests.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
ADMITTED = {
    "patient_id": "",
    "evaluation_id": str(uuid4()),
    "level_of_care": "2.1",
    "admitted_on": "2026-03-02",
    "adolescent": False,
}
BROKEN = """
with lane as (update log.lane set head = head + 1 where lane = $1 returning head),
     stream as (insert into log.stream (stream, version, lane, site_id, patient_id) values ($2, 1, $1, 'riverside', $3))
insert into log.event (lane, position, stream, version, event_id, type, schema_version, key, site_id, patient_id, effective_at,
                       recorded_at, actor, correlation_id, data)
select $1, head, $2, 1, $4, 'PatientAdmitted', 1, $3::text, 'riverside', $3, now(), clock_timestamp(), 'a bad deploy', $4,
       '{"level_of_care": "2.1"}' from lane
"""


def evenkeel(system: System, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "deploy.cli", *words, "--data", str(system.instance.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def parked(system: System, patient: UUID) -> dict[tuple[str, str], int]:
    """Service and consumer, and how many of the patient's events wait."""
    found = json.loads(evenkeel(system, "parked", "list", "--json"))
    return {(one["service"], one["consumer"]): one["events"] for one in found if one["key"] == str(patient)}


def first_number(system: System, service: str, consumer: str, patient: UUID) -> str:
    found = json.loads(evenkeel(system, "parked", "show", service, str(patient), "--json"))
    return str(next(one["number"] for one in found if one["consumer"] == consumer))


def register(system: System, patient: UUID) -> None:
    identity = {"family_name": f"Ward {uuid4().hex}", "given_names": "Anna", "birth_date": "1988-05-17"}
    command(system, "PUT", f"/v1/patients/{patient}", {"identity": identity})


def command(system: System, method: str, path: str, body: dict[str, Any]) -> None:
    headers = system.headers("front_desk", site="riverside", key=uuid4().hex)
    answer = httpx.request(method, f"{system.urls['intake']}{path}", json=body, headers=headers, timeout=30)
    assert answer.is_success, answer.text


async def store_broken_event(system: System, patient: UUID) -> None:
    """What no program of today can read, stored by one that had a bug."""
    connection = await asyncpg.connect(system.dsn("intake"))
    try:
        await connection.execute(BROKEN, lane_of(str(patient)), f"episode-{uuid4()}", patient, uuid7())
    finally:
        await connection.close()


def listed(system: System, patient: UUID) -> dict[str, Any] | None:
    """The patient's line in the list, None while it is not there."""
    url = f"{system.urls['intake']}/v1/patients?limit=200"
    found = httpx.get(url, headers=system.headers("front_desk", site="riverside"), timeout=30).json()["items"]
    return next((one for one in found if one["patient_id"] == str(patient)), None)


def degraded(system: System, patient: UUID) -> bool:
    """Whether the list of patients says so."""
    line = listed(system, patient)
    assert line is not None
    return line["degraded_since"] is not None


def act(system: System, verb: str, service: str, *words: str, code: int = 0) -> str:
    return evenkeel(system, "parked", verb, service, *words, "--author", "anna", "--reason", "a test", code=code)


def test_a_parked_patient_is_fixed_and_replayed(system: System, tmp_path: Path) -> None:
    """T27 to T30: an event that nothing can read, in projections, policies and the fold; edited here, discarded there."""
    patient = uuid4()
    register(system, patient)
    asyncio.run(store_broken_event(system, patient))
    command(system, "POST", f"/v1/patients/{patient}/contacts", {"contacts": {"phones": ["+1 410 555 0199"]}})
    consumers = {
        ("intake", "intake"),
        ("intake", "patient-match"),
        ("intake", "intake-plan-state-v1"),
        ("medication", "medication-care"),
        ("scheduling", "scheduling-on-intake"),
    }
    until(lambda: {one for one, events in parked(system, patient).items() if events >= 2} == consumers)
    assert degraded(system, patient)
    assert "Undecodable" in act(system, "retry", "intake", str(patient), code=1)

    content = tmp_path / "content.json"
    content.write_text(json.dumps(ADMITTED | {"patient_id": str(patient)}))
    for consumer in ("intake", "intake-plan-state-v1"):
        act(system, "edit", "intake", first_number(system, "intake", consumer, patient), str(content))
    act(system, "discard", "intake", first_number(system, "intake", "patient-match", patient))
    act(system, "retry", "intake", str(patient))
    for service, consumer in (("medication", "medication-care"), ("scheduling", "scheduling-on-intake")):
        act(system, "discard", service, first_number(system, service, consumer, patient))

    assert parked(system, patient) == {}
    assert not degraded(system, patient)
    episodes = httpx.get(
        f"{system.urls['intake']}/v1/episodes?patient_id={patient}",
        headers=system.headers("counsellor", site="riverside"),
    ).json()["items"]
    assert [(one["admitted_on"], one["degraded_since"]) for one in episodes] == [("2026-03-02", None)]


@pytest.mark.parametrize(
    ("service", "name"),
    [("intake", "intake"), ("intake", "patient-match"), ("intake", "site"), ("scheduling", "scheduling")],
)
def test_a_projection_is_rebuilt_and_equal(system: System, service: str, name: str) -> None:
    """T35: what operators edited and discarded holds in the new rows, too."""
    register(system, uuid4())
    assert f'"{name}"' in evenkeel(system, "projection", "list", "--json")
    assert "events/s" in evenkeel(system, "projection", "build", service, name)
    assert "0 rows differ" in evenkeel(system, "projection", "diff", service, name)
    evenkeel(system, "projection", "switch", service, name)
    patient = uuid4()
    register(system, patient)
    until(lambda: listed(system, patient) is not None)
    assert "0 rows differ" in evenkeel(system, "projection", "diff", service, name)
    evenkeel(system, "projection", "back", service, name)
    evenkeel(system, "projection", "retire", service, name)


def test_what_cannot_be_done_is_said_in_a_sentence(system: System) -> None:
    for words in (
        ("parked", "show", "intake", "nobody"),
        ("projection", "diff", "intake", "intake"),
        ("projection", "build", "medication", "medication-care"),
    ):
        command = [sys.executable, "-m", "deploy.cli", *words, "--data", str(system.instance.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
