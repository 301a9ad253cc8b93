"""What the broker has is compared with what is declared."""

from dataclasses import replace

import pytest

from deploy.topics import create, declared, drift
from tests.embedded import TestKafka

pytestmark = pytest.mark.broker


def test_every_output_names_its_sources() -> None:
    topics = {one.name: one for one in declared()}

    assert {one.partitions for one in topics.values()} == {16}
    assert {one.name for one in topics.values() if one.sources} == {
        "intake.plan-state.v1",
        "medication.taper-schedule.v1",
    }


async def test_what_differs_is_named(kafka: TestKafka) -> None:
    """T23: an output whose partitions differ from its sources' is named."""
    names = {one.name: kafka.name(one.name) for one in declared()}
    wanted = [
        replace(one, name=names[one.name], sources=tuple(names[source] for source in one.sources)) for one in declared()
    ]
    output, source = names["intake.plan-state.v1"], names["intake.events.v1"]
    await kafka.create_topics(output, partitions=8)
    assert f"{source}: missing" in await drift(kafka.bootstrap, wanted)

    await create(kafka.bootstrap, wanted=wanted)
    found = await drift(kafka.bootstrap, wanted)

    assert f"{output}: 8 partitions, 16 declared" in found
    assert f"{output}: 8 partitions, its source {source} has 16" in found
    assert f"{output}: cleanup.policy is delete, compact declared" in found
    assert {one.split(":")[0] for one in found} == {output}
