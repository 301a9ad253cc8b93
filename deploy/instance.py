"""One local instance: a data folder with its ports, secrets and state, from which the next start goes on."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.databases import KEYRING, SERVICES, role_names
from deploy.issuer import AUDIENCE, ISSUER, new_keys, sign
from deploy.ports import PortsTaken, free_ports, is_free
from deploy.proof import keys as proof_keys
from shared.keyring import SiteKeys

# A service's processes; intake and medication keep a fold as well.
PROCESSES: Final = {
    "intake": ("api", "worker", "stream"),
    "scheduling": ("api", "worker"),
    "medication": ("api", "worker", "stream"),
}
VERIFIER: Final = "verifier"
SERVERS: Final = ("postgres", "kafka", "kafka-controller")
# Whoever only asks whether somebody holds the folder holds it for an instant.
ASKING_SECONDS_MAX: Final = 0.5


class AlreadyRunning(Exception):  # noqa: N818 - said to an operator as it is
    """An instance is running on this data folder."""


@dataclass(frozen=True)
class Places:
    """Where a process finds the servers (`host:port`), and where it listens."""

    postgres: str
    kafka: str
    http_host: str
    http_port: int


@dataclass(frozen=True)
class Instance:
    """The data folder of one local system."""

    folder: Path

    @property
    def state_file(self) -> Path:
        """What runs right now, written by the supervisor."""
        return self.folder / "state.json"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.folder / "logs"

    @property
    def secrets(self) -> Path:
        """Readable by the owner only."""
        return self.folder / "secrets"

    @property
    def checkpoints(self) -> Path:
        """How far each log's chain was and when, signed: one file per service, outside the database."""
        return self.folder / "checkpoints"

    @property
    def proof_key(self) -> Path:
        """What signs the checkpoints."""
        return self._secret("proof.pem")

    @property
    def proof_public_key(self) -> Path:
        """What checks them; for everybody."""
        return self.folder / "proof-public-key.pem"

    def state(self) -> dict[str, Any]:
        """What the supervisor wrote last, empty when nothing was ever started."""
        try:
            read: dict[str, Any] = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return {}
        return read

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state at once, so that a reader never sees half of it."""
        _replace(self.state_file, json.dumps(state, indent=2), 0o644)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one supervisor per folder. Raises AlreadyRunning."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            end = time.monotonic() + ASKING_SECONDS_MAX
            while not _locked(lock.fileno()):
                if time.monotonic() > end:
                    raise AlreadyRunning(f"{self.folder}: {AlreadyRunning.__doc__}")
                time.sleep(0.01)
            yield

    def running(self) -> bool:
        """Whether a supervisor holds the folder."""
        try:
            with (self.folder / "lock").open("r") as lock:
                return not _locked(lock.fileno())
        except FileNotFoundError:
            return False

    def prepare(self) -> None:
        """Make folders and secrets that are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # As root, PostgreSQL runs as another user and has to pass through.
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.logs.mkdir(exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        roles = [role for name in (*SERVICES, KEYRING) for role in role_names(name)]
        known = self.passwords()
        if missing := [role for role in roles if role not in known]:
            self._write("passwords.json", json.dumps(known | {role: secrets.token_urlsafe(24) for role in missing}))
        if not self._secret("site-keys.json").exists():
            SiteKeys.write_new(self._secret("site-keys.json"))
            _flush(self._secret("site-keys.json"))
        if not self._secret("jwks.json").exists():
            pem, jwks = new_keys()
            self._write("jwt.pem", pem)
            self._write("jwks.json", jwks)
        if not self.proof_key.exists():
            self._write(self.proof_key.name, proof_keys.new_private())
        if not self.proof_public_key.exists():
            _replace(self.proof_public_key, proof_keys.public_of(self.proof_key), 0o644)

    def passwords(self) -> dict[str, str]:
        """Role to password."""
        try:
            read: dict[str, str] = json.loads(self._secret("passwords.json").read_text())
        except FileNotFoundError:
            return {}
        return read

    def ports(self, base: int | None = None) -> dict[str, int]:
        """Name to port, the same at every start as far as they are still free; `base` numbers them from there on.

        Raises PortsTaken when one of those is not free.
        """
        names = [*(f"{service}-api" for service in SERVICES), *SERVERS]
        names += [name for name in process_names() if name not in names]
        file = self.folder / "ports.json"
        if base is not None:
            ports = {name: base + number for number, name in enumerate(names)}
            if taken := [port for port in ports.values() if not is_free(port)]:
                raise PortsTaken(f"Something else listens on {', '.join(map(str, taken))}; give another --port-base")
        else:
            known = json.loads(file.read_text()) if file.exists() else {}
            ports = {name: known[name] for name in names if name in known and is_free(known[name])}
            without = [name for name in names if name not in ports]
            ports |= dict(zip(without, free_ports(len(without)), strict=True))
        _replace(file, json.dumps(ports, indent=2), 0o644)
        return ports

    def environment(self, service: str, kind: str, places: Places) -> dict[str, str]:
        """What a service's process is started with."""
        passwords, role = self.passwords(), f"{service}_{kind}"
        return {
            "EVENKEEL_ENVIRONMENT": "local",
            "EVENKEEL_DATABASE_DSN": f"postgresql://{role}:{passwords[role]}@{places.postgres}/{service}",
            "EVENKEEL_KEYRING_DSN": f"postgresql://keyring_user:{passwords['keyring_user']}@{places.postgres}/{KEYRING}",
            "EVENKEEL_SITE_KEYS_FILE": str(self._secret("site-keys.json")),
            "EVENKEEL_KAFKA": places.kafka,
            "EVENKEEL_HTTP_HOST": places.http_host,
            "EVENKEEL_HTTP_PORT": str(places.http_port),
            "EVENKEEL_JWT_JWKS_FILE": str(self._secret("jwks.json")),
            "EVENKEEL_JWT_ISSUER": ISSUER,
            "EVENKEEL_JWT_AUDIENCE": AUDIENCE,
            "EVENKEEL_DATA_DIR": str(self.folder / f"{service}-{kind}"),
        }

    def verifier_environment(self, places: Places) -> dict[str, str]:
        """What the verifier is started with; its secrets it reads itself."""
        return {
            "EVENKEEL_DATA_DIR": str(self.folder),
            "EVENKEEL_POSTGRES": places.postgres,
            "EVENKEEL_KAFKA": places.kafka,
            "EVENKEEL_HTTP_HOST": places.http_host,
            "EVENKEEL_HTTP_PORT": str(places.http_port),
        }

    def token(
        self, subject: str, roles: list[str], sites: list[str], *, purpose: str = "treatment", hours: float = 12
    ) -> str:
        """A bearer token of the local issuer. Raises FileNotFoundError when nothing was ever started here."""
        return sign(self._secret("jwt.pem").read_bytes(), subject, roles, sites, purpose=purpose, hours=hours)

    def _secret(self, name: str) -> Path:
        return self.secrets / name

    def _write(self, name: str, text: str) -> None:
        _replace(self._secret(name), text, 0o600)


def process_names() -> list[str]:
    """Every process of the three services, such as `intake-api`, and the verifier."""
    return [*(f"{service}-{kind}" for service, kinds in PROCESSES.items() for kind in kinds), VERIFIER]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _replace(path: Path, text: str, mode: int) -> None:
    """All of it or nothing, also when the machine stops in between."""
    partial = path.with_name(f"{path.name}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    _flush(partial)
    partial.replace(path)


def _flush(path: Path) -> None:
    """On disk from here on: what a key opens must not outlive it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
