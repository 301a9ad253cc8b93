"""What the topic kept goes back into the log as the very rows that they were, or not at all."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.proof.chain import COLUMNS, SELECTED, canonical
from deploy.proof.checkpoints import Kind
from deploy.proof.sealing import Seal
from deploy.proof.walking import Broken, heads
from deploy.recovery.accepting import sign_anew
from deploy.recovery.reappending import NotReappendable, reappend
from deploy.recovery.survey import Lane, Survey
from deploy.recovery.surviving import Row, row_of
from shared.cloudevents import to_kafka
from shared.database import connect
from tests.conftest import MakeDatabase
from tests.proof.records import NOON, SERVICE, Sealed, sealed_log

KEPT = 5
ALL: str = f"select {SELECTED} from log.event order by lane, position"


async def restored(here: Sealed) -> Survey:
    """Sealed, then brought back to the first five events of each lane; the rest is what the topic kept."""
    await here.write(patients=6, events=9)
    await here.sealed()
    ends = await heads(here.connection)
    rows = [kafka_and_back(dict(row)) for row in await here.connection.fetch(ALL)]
    lanes = []
    for lane, head in ends.items():
        behind = tuple(row for row in rows if row["lane"] == lane and row["position"] > KEPT)
        if behind:
            lanes.append(Lane(lane, head=KEPT, signed=head, topic=head, common=KEPT, surviving=behind, readers=()))
    await here.past_the_trigger(f"delete from log.event where position > {KEPT}")
    await here.past_the_trigger(f"update log.lane set head = least(head, {KEPT})")
    await here.past_the_trigger(
        "update log.stream s set version = coalesce((select max(version) from log.event e where e.stream = s.stream), 0)"
    )
    await here.past_the_trigger("delete from log.stream where version = 0")
    return Survey(SERVICE, lanes)


def kafka_and_back(row: Row) -> Row:
    """A row as the relay sends it, read again from the record."""
    key, value, headers = to_kafka(SERVICE, row)
    message: Any = SimpleNamespace(topic="t", key=key, value=value, headers=headers)
    back = row_of(message)
    assert canonical(back) == canonical(row)
    assert set(back) == set(COLUMNS)
    return back


async def test_the_log_is_the_one_that_was_signed_again(service_database: MakeDatabase, tmp_path: Path) -> None:
    """T13: bit for bit, also what was sealed; and it can be written to again."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        survey = await restored(here)
        owner = await connect(here.database.dsn("owner"), name="recovery")
        assert await reappend(owner, survey, read(here).story) == survey.surviving
        await owner.close()
        seal = read(here)
        await seal.follow(here.connection)

        assert {lane: link.position for lane, link in seal.links.items()} == {
            lane: head for lane, head in (await heads(here.connection)).items() if head
        }
        await here.write(patients=3)


@pytest.mark.parametrize("what", ["actor", "data", "sealed", "recorded_at"])
async def test_what_differs_from_what_was_signed_is_not_put_back(
    what: str, service_database: MakeDatabase, tmp_path: Path
) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        survey = await restored(here)
        lane = survey.lanes[0]
        wrong = {"actor": "nobody", "data": '{"by": 77}', "sealed": b"\0" * 40, "recorded_at": NOON}[what]
        survey.lanes[0] = replace(lane, surviving=(lane.surviving[0] | {what: wrong}, *lane.surviving[1:]))
        before = await here.connection.fetch(ALL)
        owner = await connect(here.database.dsn("owner"), name="recovery")
        with pytest.raises(Broken, match="not the events that were signed"):
            await reappend(owner, survey, read(here).story)
        await owner.close()

        assert await here.connection.fetch(ALL) == before


async def test_a_log_that_was_written_to_takes_nothing_back(service_database: MakeDatabase, tmp_path: Path) -> None:
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        survey = await restored(here)
        owner = await connect(here.database.dsn("owner"), name="recovery")
        gone_on = Survey(SERVICE, [replace(survey.lanes[0], head=KEPT + 1), *survey.lanes[1:]])
        with pytest.raises(NotReappendable):
            await reappend(owner, gone_on, read(here).story)
        await here.past_the_trigger(f"update log.lane set head = {KEPT + 1} where lane = {survey.lanes[0].lane}")
        with pytest.raises((NotReappendable, Broken)):
            await reappend(owner, survey, read(here).story)
        await owner.close()


async def test_an_accepted_restoration_is_on_record_and_the_chain_goes_on(
    service_database: MakeDatabase, tmp_path: Path
) -> None:
    """Before it the older log is refused; afterwards it is sealed on, and every later export tells of it."""
    async with sealed_log(await service_database("intake"), tmp_path) as here:
        survey = await restored(here)
        with pytest.raises(Broken, match="older log"):
            await here.fresh().follow(here.connection)
        await sign_anew(here.fresh(), here.connection, {one.lane: one.common for one in survey.lanes}, NOON, "drill")
        await here.write(patients=4)
        seal = here.fresh()
        await seal.follow(here.connection)
        assert seal.sign(NOON) is not None

        assert [(one.kind, one.reason) for one in read(here).story.restorations] == [(Kind.RESTORATION, "drill")]
        await here.exported()


def read(here: Sealed) -> Seal:
    seal = here.fresh()
    seal.read()
    return seal
