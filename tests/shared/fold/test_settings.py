"""The settings that the guard rests on, and the words that nobody else may use."""

import re
from pathlib import Path
from typing import Any

import pytest

from shared.fold_app import FoldLimits, faust_settings, fold_app
from tests.shared.fold import ward
from tests.shared.fold.driving import Ward

ROOT = Path(__file__).parents[3]
FORBIDDEN = re.compile(r"\bconcurrency\s*=|\bsend_soon\b|\bnoack\b|\.take\(|\bgroup_by\b")

EXPECTED = {
    "processing_guarantee": "at_least_once",
    "consumer_auto_offset_reset": "earliest",
    "producer_acks": -1,
    "producer_linger": 0.0,
    "producer_request_timeout": 60.0,
    "producer_max_request_size": 1_000_000,
    "topic_allow_declare": False,
    "topic_disable_leader": True,
    "reply_create_topic": False,
    "stream_wait_empty": True,
    "stream_buffer_maxsize": 256,
    "stream_recovery_delay": 0.0,
    "broker_session_timeout": 12.0,
    "broker_heartbeat_interval": 3.0,
    "broker_request_timeout": 40.0,
    "broker_commit_interval": 1.0,
    "consumer_group_instance_id": "here-1",
    "key_serializer": "raw",
    "value_serializer": "raw",
    "table_standby_replicas": 0,
    "web_enabled": False,
    "worker_redirect_stdouts": False,
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app as it is deployed, in an environment that would overrule Faust's settings."""
    monkeypatch.setenv("STREAM_WAIT_EMPTY", "false")
    monkeypatch.setenv("PRODUCER_ACKS", "0")
    monkeypatch.setenv("APP_VERSION", "2")
    limits = FoldLimits()
    settings = faust_settings("localhost:1,localhost:2", limits, tmp_path, "here-1")
    unused: Any = None
    made: Any = fold_app(ward.ward_fold("w", ward), unused, unused, settings, limits)
    made.finalize()
    return made


def test_every_setting_is_what_the_guard_rests_on(app: Any) -> None:
    """T16: each one, whatever the environment says."""
    found = {name: getattr(app.conf, name) for name in EXPECTED}

    assert found == EXPECTED | {"processing_guarantee": app.conf.processing_guarantee}
    assert app.conf.processing_guarantee.value == "at_least_once"
    assert str(app.conf.store) == "memory:"
    assert [str(url) for url in app.conf.broker] == ["kafka://localhost:1", "kafka://localhost:2"]
    assert app.conf.id == "w-values-v1"


def test_one_agent_one_table_and_the_output_topic_is_its_changelog(app: Any) -> None:
    """T16: concurrency 1, no web server, no windows, no timers; state and output are one record."""
    (agent,) = app.agents.values()
    (table,) = app.tables.values()

    assert agent.concurrency == 1
    assert not agent.isolated_partitions
    assert table.changelog_topic.get_topic_name() == "w.values.v1"
    assert table.window is None
    assert not app._app_tasks
    assert app.boot_strategy.enable_web is False
    assert not list(app.boot_strategy.web_server())


def test_nobody_else_speaks_fausts_dangerous_words() -> None:
    """T16: the grep."""
    files = [path for folder in ("shared", "services", "deploy") for path in (ROOT / folder).rglob("*.py")]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        if not path.name.startswith("fold") or path.parent.name != "shared"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN.search(line)
    ]

    assert len(files) > 20
    assert found == []


def test_only_the_folds_know_faust() -> None:
    """T16: nobody else imports it."""
    importers = {
        str(path.relative_to(ROOT))
        for folder in ("shared", "services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(import|from) (faust|mode)\b", path.read_text(), re.MULTILINE)
    }

    assert importers == {"deploy/processes/stream_watch.py", "shared/fold_app.py", "shared/fold_offsets.py"}


@pytest.mark.broker
async def test_a_fold_refuses_an_output_with_other_partitions_than_its_sources(a_ward: Ward) -> None:
    """T23: the preflight; state would lie in other lanes than its events."""
    await a_ward.admin.delete_topics([a_ward.output])
    await a_ward.create([a_ward.output], {"cleanup.policy": "compact"}, partitions=2)
    worker = a_ward.start()

    assert await worker.ends(60) == 70
    assert worker.said("fold.refused")
