"""Faust as Evenkeel allows it: one place makes the app, with every setting that the folds' safety rests on."""

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faust
from faust.app.base import BootStrategy
from faust.types import TP

from shared.cloudevents import Message
from shared.fold_guard import Guard, Parking
from shared.fold_offsets import ProvingTransport
from shared.fold_value import Fold


@dataclass(frozen=True)
class FoldLimits:
    """Times and sizes of a fold's process; tests shorten some of them."""

    session_seconds: float = 12.0
    heartbeat_seconds: float = 3.0
    request_seconds: float = 40.0
    send_seconds: float = 60.0
    commit_seconds: float = 1.0
    buffered_events_max: int = 256
    unassigned_seconds_max: float = 60.0
    stuck_seconds_max: float = 90.0
    look_seconds: float = 2.0
    stop_seconds_max: float = 10.0

    @property
    def pause_seconds_max(self) -> float:
        """After sleeping this long a process may have lost its lanes without knowing."""
        return self.session_seconds / 2


RECORD_BYTES_MAX: Final = 1_000_000
METADATA_MS: Final = 10_000
"""A topic that was lost and made anew is noticed after so long; the library's five minutes are an outage."""


def faust_settings(bootstrap: str, limits: FoldLimits, folder: Path, instance: str | None = None) -> dict[str, Any]:
    """Every setting that differs from Faust's default or that the guard relies on."""
    return {
        "broker": [f"kafka://{server}" for server in bootstrap.split(",")],
        "datadir": folder,
        # Nothing is taken for granted twice: duplicates drop out by position. Exactly-once mode crashes.
        "processing_guarantee": "at_least_once",
        "consumer_auto_offset_reset": "earliest",
        "producer_acks": -1,
        # Topics are deploy's business; a topic made here would have the wrong number of partitions.
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "reply_create_topic": False,
        # A lane is handed over only when nothing of it is in hand.
        "stream_wait_empty": True,
        "stream_buffer_maxsize": limits.buffered_events_max,
        "stream_recovery_delay": 0.0,
        "consumer_group_instance_id": instance,
        "consumer_metadata_max_age_ms": METADATA_MS,
        "broker_session_timeout": limits.session_seconds,
        "broker_heartbeat_interval": limits.heartbeat_seconds,
        "broker_request_timeout": limits.request_seconds,
        "broker_commit_interval": limits.commit_seconds,
        "producer_request_timeout": limits.send_seconds,
        "producer_linger": 0.0,
        "producer_max_request_size": RECORD_BYTES_MAX,
        # Bytes in, bytes out: what cannot be decoded must reach the guard.
        "key_serializer": "raw",
        "value_serializer": "raw",
        "store": "memory://",
        "table_standby_replicas": 0,
        # Faust's own server would show the tables to anyone.
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


class OnlyGivenSettings(faust.Settings):
    """Faust lets `STREAM_WAIT_EMPTY` and a hundred other variables overrule the program. Not here."""

    def getenv(self, env_name: str) -> None:
        """Nothing is read from the environment."""


class WithoutWeb(BootStrategy):
    """`web_enabled` alone is not enough: the boot strategy decides."""

    enable_web = False


class ValueTable(faust.Table[bytes, bytes]):
    """The fold's values. The table's changelog is the output topic: state and output are one record."""

    def write(self, lane: int, key: bytes, value: bytes) -> "asyncio.Future[Any]":
        """Set the value; the future ends with the record's metadata once Kafka has it."""
        sent: asyncio.Future[Any] = self.send_changelog(lane, key, value)
        store: Any = self.data
        store[key] = value
        store._key_partition[key] = lane  # noqa: SLF001 - so that the store forgets the key when the lane goes
        sent.add_done_callback(lambda done: self._know_own_end(lane, done))
        return sent

    def _know_own_end(self, lane: int, sent: "asyncio.Future[Any]") -> None:
        """What we wrote need not be read back when the lane stays ours through a rebalance."""
        own = TP(self.changelog_topic_name, lane)
        tables: Any = self.app.tables
        recovery = tables.recovery
        if own in recovery.active_tps and not sent.cancelled() and sent.exception() is None:
            recovery.active_offsets[own] = sent.result().offset


class FoldApp(faust.App):
    """A Faust app that runs one fold behind its guard."""

    BootStrategy = WithoutWeb
    Settings = OnlyGivenSettings
    guard: Guard

    def _new_transport(self) -> ProvingTransport:
        return ProvingTransport(self.conf.broker_consumer, self)


def fold_app(
    fold: Fold, decode: Callable[[Message], Any], parking: Parking, settings: dict[str, Any], limits: FoldLimits
) -> Any:
    """The app with its table and its one agent. Raises when the environment lacks what it needs."""
    # Without its C part aiokafka reads records twenty times slower.
    importlib.import_module("aiokafka.record._crecords")
    app: Any = FoldApp(fold.app_id, Table=ValueTable, **settings)
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    table = app.Table(fold.output, key_type=bytes, value_type=bytes, changelog_topic=app.topic(fold.output, **raw))
    app.guard = Guard(fold, table, parking, app, decode=decode, pause_seconds_max=limits.pause_seconds_max)

    @app.on_rebalance_complete.connect  # type: ignore[untyped-decorator] # Faust's own
    async def verify(app: Any, **_: Any) -> None:
        await asyncio.wait_for(app.consumer.verify(), limits.request_seconds)

    @app.agent(app.topic(*fold.sources, **raw))  # type: ignore[untyped-decorator] # same
    async def take_each(stream: Any) -> None:
        async for event in stream.noack().events():
            await app.guard.take(event.message)

    return app
