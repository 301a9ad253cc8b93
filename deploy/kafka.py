"""Apache Kafka 4.1 as one KRaft node in a folder of its own: for a laptop and for tests."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy import kafka_programs
from deploy.kafka_programs import Image, Jars, KafkaFailed
from deploy.tether import tethered

START_SECONDS_MAX: Final = 90.0
STOP_SECONDS_MAX: Final = 20.0
LOOK_SECONDS: Final = 0.05
# Started fast and kept small: one broker with a hundred partitions and a few clients.
JAVA_OPTIONS: Final = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
# Any constant will do: the id only tells one cluster's folder from another's.
CLUSTER_ID: Final = "ZXZlbmtlZWwtbG9jYWwtMQ"

PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://{listens_on}:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://{advertised}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
num.partitions=16
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=1048588
log.cleaner.dedupe.buffer.size=8388608
"""

LOGGING: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR"><Appenders><Console name="out"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


@dataclass(frozen=True)
class Kafka:
    """One broker; its process is the caller's to watch."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def bootstrap(self) -> str:
        """Where clients begin."""
        return f"127.0.0.1:{self.port}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM writes everything out; SIGKILL is a crash."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(folder: Path, port: int, controller_port: int) -> Kafka:
    """Start the broker of `folder`, made on first use, and wait until it takes connections. It ends with this process.

    Raises KafkaFailed or KafkaMissing.
    """
    line = tethered(command(folder, port, controller_port))
    with (folder / "kafka.log").open("ab") as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 - our own broker
    broker = Kafka(folder, port, process)
    end = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < end:
        if takes_connections(port):
            return broker
        time.sleep(LOOK_SECONDS)
    broker.stop(signal.SIGKILL)
    raise KafkaFailed(f"{(folder / 'kafka.log').read_text()[-2000:]}\n{folder / 'kafka.log'}")


def command(
    folder: Path, port: int, controller_port: int, program: Jars | Image | None = None, *, advertised: str | None = None
) -> list[str]:
    """The broker's command line; prepares its folder. For whoever supervises processes.

    `advertised` is the `host:port` that clients are told, when it is not the broker's own.
    """
    program = program or kafka_programs.find()
    folder.mkdir(parents=True, exist_ok=True)
    properties, logging = folder / "server.properties", folder / "log4j2.xml"
    data = folder / "data"
    properties.write_text(
        PROPERTIES.format(
            port=port,
            controller_port=controller_port,
            data=data,
            listens_on=program.listens_on,
            advertised=advertised or f"127.0.0.1:{port}",
        )
    )
    logging.write_text(LOGGING)
    options = [*JAVA_OPTIONS, f"-Dlog4j2.configurationFile={logging}"]
    if not (data / "meta.properties").exists():
        _format(program.line(options, "kafka.tools.StorageTool", *_formatting(properties), folder=folder))
    return program.line(options, "kafka.Kafka", str(properties), folder=folder, port=port)


def takes_connections(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _formatting(properties: Path) -> list[str]:
    return ["format", "--ignore-formatted", "-t", CLUSTER_ID, "-c", str(properties)]


def _format(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - our own broker's tool
    if done.returncode != 0:
        raise KafkaFailed(done.stdout + done.stderr)
