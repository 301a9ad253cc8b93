"""Topics are declared in one file; they are created from it and compared with it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError

READY_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True)
class Topic:
    """One declared topic; `sources` are those whose partitions it must match."""

    name: str
    partitions: int
    settings: dict[str, str]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One way in which the broker is not as declared; a harmful one would lose events or mix patients up."""

    topic: str
    words: str
    harmful: bool

    def __str__(self) -> str:
        """One sentence for an operator."""
        return f"{self.topic}: {self.words}"


def declared(file: Path = Path(__file__).parent / "topics.yaml") -> list[Topic]:
    """What `topics.yaml` says."""
    said = yaml.safe_load(file.read_text())
    return [
        Topic(name, said["partitions"], said["kinds"][one["kind"]], tuple(one.get("sources", ())))
        for name, one in said["topics"].items()
    ]


async def connected(bootstrap: str) -> Any:
    """An admin client, as soon as the broker answers. Raises KafkaConnectionError after READY_SECONDS_MAX."""
    end = asyncio.get_running_loop().time() + READY_SECONDS_MAX
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            await admin.start()
        except (KafkaConnectionError, KafkaError):
            await admin.close()
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.2)
        else:
            return admin


async def create(bootstrap: str, replication: int = 1, wanted: Sequence[Topic] | None = None) -> list[str]:
    """Make what is missing of the declared topics; the names made."""
    admin = await connected(bootstrap)
    try:
        present = set(await admin.list_topics())
        missing = [topic for topic in wanted or declared() if topic.name not in present]
        new = [NewTopic(one.name, one.partitions, replication, topic_configs=one.settings) for one in missing]
        if new:
            response = await admin.create_topics(new)
            for name, code, *words in response.topic_errors:
                if code not in {0, TopicAlreadyExistsError.errno}:
                    raise KafkaError(f"{name}: {words}")
            await _visible(admin, {one.name for one in missing})
        return [one.name for one in missing]
    finally:
        await admin.close()


async def _visible(admin: Any, names: set[str]) -> None:
    """A topic that was made is seen by clients a moment later."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while not names <= set(await admin.list_topics()):  # noqa: ASYNC110 - what is waited for lies in the broker
            await asyncio.sleep(0.05)


async def drift(bootstrap: str, wanted: Sequence[Topic] | None = None) -> list[Difference]:
    """What differs between the file and the broker; partitions of outputs are held against their sources (T23)."""
    admin = await connected(bootstrap)
    try:
        present = set(await admin.list_topics())
        wanted = wanted or declared()
        there = [topic for topic in wanted if topic.name in present]
        described = await admin.describe_topics([topic.name for topic in there])
        partitions = {one["topic"]: len(one["partitions"]) for one in described}
        found = [Difference(topic.name, "missing", harmful=True) for topic in wanted if topic not in there]
        for topic in there:
            found += _partitions_drift(topic, partitions)
            found += _settings_drift(topic, await _settings(admin, topic.name))
        return found
    finally:
        await admin.close()


def _partitions_drift(topic: Topic, partitions: Mapping[str, int]) -> Iterator[Difference]:
    actual = partitions[topic.name]
    if actual != topic.partitions:
        yield Difference(topic.name, f"{actual} partitions, {topic.partitions} declared", harmful=True)
    for source in topic.sources:
        if partitions.get(source, actual) != actual:
            words = f"{actual} partitions, its source {source} has {partitions[source]}"
            yield Difference(topic.name, words, harmful=True)


def _settings_drift(topic: Topic, actual: Mapping[str, str]) -> Iterator[Difference]:
    for name, value in topic.settings.items():
        if actual.get(name) != value:
            words = f"{name} is {actual.get(name)}, {value} declared"
            yield Difference(topic.name, words, harmful=name == "cleanup.policy")


async def _settings(admin: Any, topic: str) -> dict[str, str]:
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for response in responses for resource in response.resources for entry in resource[4]}
