"""Members of Kafka's consumer groups with a name of their own: a killed one finds its partitions kept for it."""

import socket
from typing import Any

from shared.settings import Settings


def instance_of(settings: Settings) -> str | None:
    """Who this process is to Kafka, the same after a restart; None where nothing tells it from its neighbours."""
    return f"{socket.gethostname()}-{settings.http_port}" if settings.http_port else None


def leave_when_stopped(consumer: Any) -> None:
    """Give the partitions back at the stop. They are kept for a session after a kill; here nobody comes back for them."""
    consumer._coordinator._group_instance_id = None  # noqa: SLF001 - aiokafka offers no other way to leave
