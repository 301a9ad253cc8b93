"""Free ports on this machine's loopback."""

import errno
import secrets
import socket
from typing import Final

# Below the ports that kernels hand out for the near end of outgoing connections: those come and go at any moment.
RANGE: Final = range(20_000, 30_000)


class PortsTaken(Exception):  # noqa: N818 - said to an operator as it is
    """Something else listens on a port that is needed."""


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing listens on now. Raises PortsTaken."""
    found: list[int] = []
    for port in secrets.SystemRandom().sample(RANGE, len(RANGE)):
        if len(found) == count:
            return found
        if is_free(port):
            found.append(port)
    raise PortsTaken(f"There are not {count} free ports between {RANGE.start} and {RANGE.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen there now; a connection of an earlier server that is still closing does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
