"""The whole system on one machine: it starts, heals, stops without a trace, and goes on from its data."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deploy.instance import Instance

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
UP_SECONDS_MAX = 240


def evenkeel(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False, timeout=UP_SECONDS_MAX
    )


def status(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evenkeel("status", "--json", "--data", str(data)).stdout)
    return found


def belonging_to(data: Path) -> list[psutil.Process]:
    """Every process that was started for this folder."""

    def mentions(process: psutil.Process) -> bool:
        try:
            return str(data) in " ".join(process.cmdline()) or str(data) in process.environ().get(
                "EVENKEEL_DATA_DIR", ""
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False

    return [process for process in psutil.process_iter() if process.pid != os.getpid() and mentions(process)]


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("system")
    for parent in folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    yield folder / "instance"
    evenkeel("down", "--data", str(folder / "instance"))


@pytest.fixture(scope="module")
def running(data: Path) -> Path:
    done = evenkeel("up", "--detach", "--data", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    return data


def site(data: Path, method: str = "GET") -> httpx.Response:
    """Open the site, or read it back."""
    instance = Instance(data)
    headers = {
        "Authorization": f"Bearer {instance.token('tester', ['network_manager'], ['*'])}",
        "Evenkeel-Site": "riverside",
    }
    body = {"name": "Riverside", "zone": "Europe/Berlin", "counting_policy": "program-hours"}
    body |= {"opening_hours": [{"weekday": "MO", "opens_at": "08:00", "closes_at": "20:00"}]}  # type: ignore[dict-item]
    url = f"{instance.state()['urls']['scheduling']}/v1/sites/riverside"
    if method == "PUT":
        return httpx.put(url, json=body, headers=headers | {"Idempotency-Key": "open-riverside"})
    return httpx.get(url, headers=headers)


def test_everything_is_up_and_says_so(running: Path) -> None:
    found = status(running)

    assert found["ready"] is True
    assert len(found["processes"]) == 10
    assert all(one["ready"] and one["restarts"] == 0 for one in found["processes"].values())
    assert site(running, "PUT").status_code == 201


def test_a_second_start_on_the_same_folder_says_that_it_runs(running: Path) -> None:
    done = evenkeel("up", "--detach", "--data", str(running))

    assert done.returncode == 1
    assert "running on this data folder" in done.stderr


def test_a_killed_process_comes_back(running: Path) -> None:
    before = status(running)["processes"]["intake-api"]["pid"]
    os.kill(before, signal.SIGKILL)
    until(lambda: status(running)["processes"]["intake-api"]["pid"] not in {before, None})
    until(lambda: bool(status(running)["ready"]))

    assert status(running)["processes"]["intake-api"]["restarts"] == 1


def test_a_token_is_refused_outside_local_mode(running: Path) -> None:
    words = ("token", "--role", "nurse", "--site", "riverside", "--data", str(running))

    assert evenkeel(*words).stdout.count(".") == 2
    refused = evenkeel(*words, EVENKEEL_ENVIRONMENT="production")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert evenkeel("token", "--role", "king", "--site", "x", "--data", str(running)).returncode == 1


def test_the_topics_are_as_declared(running: Path) -> None:
    done = evenkeel("topics", "check", EVENKEEL_KAFKA=status(running)["kafka"])

    assert done.returncode == 0, done.stdout


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_start_goes_on_from_the_data(running: Path) -> None:
    assert len(belonging_to(running)) >= 10
    os.kill(Instance(running).state()["supervisor_pid"], signal.SIGKILL)
    until(lambda: not belonging_to(running))

    done = evenkeel("up", "--detach", "--data", str(running))
    assert done.returncode == 0, done.stdout + done.stderr
    assert site(running).json()["name"] == "Riverside"


def test_two_instances_run_side_by_side_and_stopping_leaves_no_process(running: Path) -> None:
    other = running.parent / "other"
    done = evenkeel("up", "--detach", "--data", str(other))
    assert done.returncode == 0, done.stdout + done.stderr
    assert site(other).status_code == 404
    assert site(running).status_code == 200

    for data in (other, running):
        assert evenkeel("down", "--data", str(data)).returncode == 0
        assert belonging_to(data) == []
        assert evenkeel("status", "--data", str(data)).returncode == 1
    assert "Nothing is running" in evenkeel("down", "--data", str(running)).stdout
