"""The whole system on one machine: it starts, heals, stops without a trace, and goes on from its data."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.instance import Instance
from deploy.ports import is_free
from tests.embedded import open_folder
from tests.system import System, processes_of, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
UP_SECONDS_MAX = 240
BUSY_SECONDS_MAX = 10
BASES = range(10_000, 20_000, 20)  # below the ports that instances choose for themselves
_keys = count(1)


def evenkeel(*words: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *words, "--data", str(data)]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False, timeout=UP_SECONDS_MAX
    )


def status(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evenkeel("status", "--json", data=data).stdout)
    return found


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "instance"
        evenkeel("down", data=folder / "instance")


@pytest.fixture(scope="module")
def local(data: Path) -> System:
    """Started as a person starts it."""
    done = evenkeel("up", "--detach", data=data)
    assert done.returncode == 0, done.stdout + done.stderr
    return System(Instance(data))


def site(system: System) -> httpx.Response:
    return httpx.get(f"{system.urls['scheduling']}/v1/sites/riverside", headers=system.headers("network_manager"))


def open_site(system: System) -> httpx.Response:
    """As a client does: what is busy is asked again, with the same key."""
    body = {
        "name": "Riverside",
        "zone": "Europe/Berlin",
        "counting_policy": "program-hours",
        "opening_hours": [{"weekday": "MO", "opens_at": "08:00", "closes_at": "20:00"}],
    }
    headers = system.headers("network_manager", key=f"open-riverside-{next(_keys)}") | {"Evenkeel-Site": "riverside"}
    url = f"{system.urls['scheduling']}/v1/sites/riverside"
    end = time.monotonic() + BUSY_SECONDS_MAX
    while True:
        answer = httpx.put(url, json=body, headers=headers, timeout=15)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > end:
            return answer
        time.sleep(0.2)


def test_everything_is_up_and_says_so(local: System, data: Path) -> None:
    found = status(data)

    assert found["ready"] is True
    assert list(found["processes"]) == [
        *("postgres", "kafka", "intake-api", "intake-worker", "intake-stream"),
        *("scheduling-api", "scheduling-worker", "medication-api", "medication-worker", "medication-stream"),
        "verifier",
    ]
    assert all(one["ready"] and one["restarts"] == 0 for one in found["processes"].values())
    assert open_site(local).status_code == 201


def test_a_second_start_on_the_same_folder_says_that_it_runs(local: System, data: Path) -> None:
    done = evenkeel("up", "--detach", data=data)

    assert done.returncode == 1
    assert "running on this data folder" in done.stderr
    assert status(data)["ready"] is True


@pytest.mark.parametrize("name", ["scheduling-api", "scheduling-worker", "kafka", "postgres"])
def test_a_killed_process_comes_back_and_nothing_is_lost(local: System, name: str) -> None:
    before = local.process(name)
    assert local.kill(name)
    until(lambda: local.process(name)["pid"] not in {before["pid"], None})
    local.wait_until_ready()

    assert local.process(name)["restarts"] > before["restarts"]
    until(lambda: site(local).status_code == 200)
    assert open_site(local).status_code == 409  # it is known, and the log takes commands


def test_a_token_is_refused_outside_local_mode(local: System, data: Path) -> None:
    words = ("token", "--role", "nurse", "--site", "riverside")

    assert evenkeel(*words, data=data).stdout.count(".") == 2
    refused = evenkeel(*words, data=data, EVENKEEL_ENVIRONMENT="production")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert evenkeel("try", data=data, EVENKEEL_ENVIRONMENT="production").returncode == 1
    assert evenkeel("token", "--role", "king", "--site", "x", data=data).returncode == 2


def test_what_is_printed_to_try_works_as_printed(local: System, data: Path) -> None:
    printed = evenkeel("try", data=data).stdout
    lines = [line.replace(".venv/bin/evenkeel", f"{sys.executable} -m deploy.cli") for line in printed.splitlines()]
    asked = [line for line in lines if line.startswith("  curl")]

    answers = [
        subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout for line in asked
    ]

    assert len(answers) == 3
    assert [one["site_id"] for one in json.loads(answers[0])["items"]] == ["riverside"]
    assert all("items" in json.loads(answer) for answer in answers)


def test_topics_databases_and_libraries_are_as_they_have_to_be(local: System, data: Path) -> None:
    for words in (("topics", "check"), ("topics", "create"), ("preflight",), ("migrate",)):
        done = evenkeel(*words, data=data)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_process_has_a_log_and_none_names_a_secret(local: System, data: Path) -> None:
    shown = evenkeel("logs", "-n", "100000", data=data).stdout

    assert all(f"/{name}.log <==" in shown for name in local.instance.state()["processes"])
    assert not [password for password in local.instance.passwords().values() if password in shown]
    assert "intake-worker" in evenkeel("logs", "nobody", data=data).stderr


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_start_goes_on_from_the_data(
    local: System, data: Path
) -> None:
    urls = local.urls
    assert len(local.processes()) >= 10
    os.kill(local.instance.state()["supervisor_pid"], signal.SIGKILL)
    until(lambda: not local.processes())

    done = evenkeel("up", "--detach", data=data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert local.urls == urls
    assert site(local).json()["name"] == "Riverside"


def test_two_instances_run_side_by_side_and_stopping_leaves_no_process(local: System, data: Path) -> None:
    base = next(base for base in BASES if all(is_free(base + number) for number in range(BASES.step)))
    other = System(Instance(data.parent / "other"))
    words = ["up", "--port-base", str(base), "--data", str(other.instance.folder)]
    with (
        (data.parent / "other.log").open("w") as said,
        subprocess.Popen([sys.executable, "-m", "deploy.cli", *words], stdout=said, start_new_session=True) as terminal,
    ):
        until(lambda: terminal.poll() is not None or other.instance.state().get("phase") == "ready", UP_SECONDS_MAX)
        assert other.urls["intake"].endswith(str(base))
        assert site(other).status_code == 404
        assert site(local).status_code == 200
        os.killpg(terminal.pid, signal.SIGINT)  # Ctrl-C reaches everything in the terminal
        assert terminal.wait(60) == 0
    assert processes_of(other.instance.folder) == []
    assert "Stopped" in (data.parent / "other.log").read_text()

    assert evenkeel("down", data=data).returncode == 0
    assert local.processes() == []
    assert evenkeel("status", data=data).returncode == 1
    assert "Nothing is running" in evenkeel("down", data=data).stdout


def test_erasing_asks_and_removes_everything(local: System, data: Path) -> None:
    assert not local.instance.running()
    assert evenkeel("erase", data=data).returncode == 1  # nobody answers
    assert data.exists()

    assert evenkeel("erase", "--yes", data=data).returncode == 0
    assert not data.exists()
    assert evenkeel("erase", "--yes", data=data.parent).returncode == 1  # that is somebody else's folder
    assert data.parent.exists()
