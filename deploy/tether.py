"""Runs a program that ends when its starter ends, however that ended: `python -I -S tether.py PARENT SIGNAL UID GID PROGRAM…`.

The kernel sends SIGNAL to the program when PARENT dies, also when it is killed and can stop nothing itself. It is asked to
in a program of its own, because Python may do next to nothing between fork and exec, and after the change of user, because
that change takes the request back. Where there is no such request (macOS), the next start stops what was left.
"""

import ctypes
import os
import signal
import sys
from pwd import struct_passwd
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def tethered(
    command: list[str], number: signal.Signals = signal.SIGTERM, user: struct_passwd | None = None
) -> list[str]:
    """The command line that runs `command` tied to this process; `user` is who it runs as, when we are root."""
    ids = [str(user.pw_uid), str(user.pw_gid)] if user else ["", ""]
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(number)), *ids, *command]


def _become(parent: int, number: int, uid: str, gid: str, command: list[str]) -> None:
    # Loaded while its file can be read: another user may not reach this Python's folder.
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if uid:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the program that we were asked to run


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
