"""How each process of a local system is run: PostgreSQL, Kafka, and those of the three services."""

import os
import signal
import sys
from pathlib import Path
from typing import Final

from deploy import kafka, postgres
from deploy.child import Program
from deploy.instance import VERIFIER, Instance, Places

KAFKA_STOP_SECONDS_MAX: Final = 20.0
SERVICE_STOP_SECONDS_MAX: Final = 15.0
_ROOT: Final = Path(__file__).parent.parent


def postgres_program(server: postgres.Postgres) -> Program:
    """A prepared PostgreSQL, under another user when we are root."""
    return Program(
        "postgres",
        postgres.foreground(server),
        postgres.environment(),
        server.folder,
        stop_signal=signal.SIGINT,  # its word for "end the sessions, write everything out, stop"
        stop_seconds_max=postgres.STOP_SECONDS_MAX,
        user=postgres.user(),
    )


def kafka_program(instance: Instance, ports: dict[str, int]) -> Program:
    """A prepared Kafka; fetches its jars the first time. Raises KafkaMissing or KafkaFailed."""
    folder = instance.folder / "kafka"
    command = kafka.command(folder, ports["kafka"], ports["kafka-controller"], advertised=place("kafka", ports))
    return Program("kafka", command, _inherited(), folder, stop_seconds_max=KAFKA_STOP_SECONDS_MAX)


def service_program(instance: Instance, service: str, kind: str, ports: dict[str, int]) -> Program:
    """One process of one service. Limits set by EVENKEEL_… variables reach it; where things are, the instance says."""
    name = f"{service}-{kind}"
    places = Places(place("postgres", ports), place("kafka", ports), "127.0.0.1", ports[name])
    environment = _inherited() | instance.environment(service, kind, places) | with_our_code()
    command = [sys.executable, "-m", "deploy.serve", service, kind]
    return Program(name, command, environment, instance.folder, stop_seconds_max=SERVICE_STOP_SECONDS_MAX)


def verifier_program(instance: Instance, ports: dict[str, int]) -> Program:
    """The one verifier of all three services."""
    places = Places(place("postgres", ports), place("kafka", ports), "127.0.0.1", ports[VERIFIER])
    environment = _inherited() | instance.verifier_environment(places) | with_our_code()
    command = [sys.executable, "-m", "deploy.proof.process"]
    return Program(VERIFIER, command, environment, instance.folder, stop_seconds_max=SERVICE_STOP_SECONDS_MAX)


def place(server: str, ports: dict[str, int]) -> str:
    """Where the services find a server: EVENKEEL_LOCAL_POSTGRES and EVENKEEL_LOCAL_KAFKA name what stands before it."""
    return os.environ.get(f"EVENKEEL_LOCAL_{server.upper()}") or f"127.0.0.1:{ports[server]}"


def with_our_code() -> dict[str, str]:
    """Lets Python find our packages wherever it is started."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))}


def _inherited() -> dict[str, str]:
    """Our environment, but Python may keep what it compiled: it takes half of a start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
