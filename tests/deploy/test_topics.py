"""What the broker has is compared with what is declared."""

from dataclasses import replace

import pytest

from deploy.topics import create, declared, drift
from tests.embedded import TestKafka


def test_every_output_names_its_sources() -> None:
    topics = {one.name: one for one in declared()}

    assert {one.partitions for one in topics.values()} == {16}
    assert {one.name: one.settings["cleanup.policy"] for one in topics.values()} == {
        "intake.events.v1": "delete",
        "scheduling.events.v1": "delete",
        "medication.events.v1": "delete",
        "intake.plan-state.v1": "compact",
        "medication.taper-schedule.v1": "compact",
    }
    assert {one.name for one in topics.values() if one.sources} == {
        "intake.plan-state.v1",
        "medication.taper-schedule.v1",
    }


@pytest.mark.broker
async def test_what_differs_is_named(kafka: TestKafka) -> None:
    """T23: an output whose partitions differ from its sources' would mix patients up, and so would one that forgets."""
    names = {one.name: kafka.name(one.name) for one in declared()}
    wanted = [
        replace(one, name=names[one.name], sources=tuple(names[source] for source in one.sources)) for one in declared()
    ]
    output, source = names["intake.plan-state.v1"], names["intake.events.v1"]
    await kafka.create_topics(output, partitions=8)
    assert f"{source}: missing" in map(str, await drift(kafka.bootstrap, wanted))

    await create(kafka.bootstrap, wanted=wanted)
    found = await drift(kafka.bootstrap, wanted)

    assert {one.topic for one in found} == {output}
    assert {one.words for one in found if one.harmful} == {
        "8 partitions, 16 declared",
        *(f"8 partitions, its source {names[one]} has 16" for one in declared()[3].sources),
        "cleanup.policy is delete, compact declared",
    }
    assert "segment.ms is 604800000, 3600000 declared" in {one.words for one in found if not one.harmful}
    assert await create(kafka.bootstrap, wanted=wanted) == []
