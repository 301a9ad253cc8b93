"""One local instance: a data folder with its ports, secrets and state, from which the next start goes on."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from deploy.databases import KEYRING, SERVICES, role_names
from deploy.ports import free_ports
from shared.keyring import SiteKeys

ISSUER: Final = "evenkeel-local"
AUDIENCE: Final = "evenkeel"
TOKEN_HOURS_MAX: Final = 24 * 30
# A service's processes; intake and medication keep a fold as well.
PROCESSES: Final = {
    "intake": ("api", "worker", "stream"),
    "scheduling": ("api", "worker"),
    "medication": ("api", "worker", "stream"),
}


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

    def state(self) -> dict[str, Any]:
        """What the supervisor wrote last, empty when nothing was ever started."""
        try:
            read: dict[str, Any] = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return {}
        return read

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state at once, so that a reader never sees half of it."""
        partial = self.state_file.with_suffix(".partial")
        partial.write_text(json.dumps(state, indent=2))
        partial.replace(self.state_file)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one supervisor per folder. Raises AlreadyRunning."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning(f"{self.folder}: {AlreadyRunning.__doc__}") from error
            yield

    def running(self) -> bool:
        """Whether a supervisor holds the folder."""
        try:
            with self.held():
                return False
        except AlreadyRunning:
            return True

    def prepare(self) -> None:
        """Make folders and secrets that are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # PostgreSQL may run as another user and has to pass through.
        self.folder.chmod(0o755)
        self.logs.mkdir(exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        if not self._secret("passwords.json").exists():
            roles = [role for name in (*SERVICES, KEYRING) for role in role_names(name)]
            self._write("passwords.json", json.dumps({role: secrets.token_urlsafe(24) for role in roles}))
        if not self._secret("site-keys.json").exists():
            SiteKeys.write_new(self._secret("site-keys.json"))
        if not self._secret("jwt.pem").exists():
            self._make_issuer()

    def passwords(self) -> dict[str, str]:
        """Role to password."""
        read: dict[str, str] = json.loads(self._secret("passwords.json").read_text())
        return read

    def ports(self, base: int | None = None) -> dict[str, int]:
        """Name to port, the same at every start; `base` numbers them from there on instead of taking free ones."""
        names = ["postgres", "kafka", "kafka-controller", *process_names()]
        file = self.folder / "ports.json"
        if base is not None:
            ports = {name: base + number for number, name in enumerate(names)}
        elif file.exists():
            return {name: int(port) for name, port in json.loads(file.read_text()).items()}
        else:
            ports = dict(zip(names, free_ports(len(names)), strict=True))
        file.write_text(json.dumps(ports, indent=2))
        return ports

    def environment(self, service: str, kind: str, places: "Places") -> dict[str, str]:
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

    def token(
        self, subject: str, roles: list[str], sites: list[str], *, purpose: str = "treatment", hours: float = 12
    ) -> str:
        """A bearer token of the local issuer; at most TOKEN_HOURS_MAX long."""
        key = load_pem_private_key(self._secret("jwt.pem").read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        now = datetime.now(UTC)
        claims: dict[str, object] = {
            "sub": subject,
            "roles": roles,
            "sites": sites,
            "purpose": purpose,
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        claims |= {"iat": now, "exp": now + timedelta(hours=min(hours, TOKEN_HOURS_MAX)), "jti": str(uuid4())}
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "local-1"})

    def _make_issuer(self) -> None:
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "local-1", "x": x}
        self._write("jwks.json", json.dumps({"keys": [jwk]}))
        self._write("jwt.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    def _secret(self, name: str) -> Path:
        return self.secrets / name

    def _write(self, name: str, text: str) -> None:
        with os.fdopen(os.open(self._secret(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)


def process_names() -> list[str]:
    """Every process of the three services, such as `intake-api`."""
    return [f"{service}-{kind}" for service, kinds in PROCESSES.items() for kind in kinds]
