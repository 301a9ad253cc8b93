"""Medication as it is deployed: API, worker and fold over a real broker; scheduling's and intake's words arrive by Kafka."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from deploy import kafka as kafka_server
from deploy.ports import free_ports
from services.medication.main import SERVICE, TAPER_SCHEDULE_TOPIC
from services.medication.taper_schedule import apply, figures
from shared.cloudevents import to_kafka, topic_of
from shared.codec import Codec
from shared.events import intake, scheduling
from shared.events.intake import DischargeReason, PatientDischarged
from shared.events.scheduling import SiteOpened
from shared.lanes import lane_of
from shared.log.reading import COLUMNS, recorded
from tests.embedded import TestKafka, TestPostgres
from tests.medication.processes import process
from tests.medication.running import CODEC, NEW_YORK, Clinic, running
from tests.medication.schedule_oracle import schedule
from tests.medication.twenty_steps import Course, lived_through
from tests.medication.window import ago, confirm, give, order_body, steps, today

SETTLE_SECONDS_MAX = 90

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@dataclass
class Live:
    """The running service, and a voice for the two services that it hears."""

    clinic: Clinic
    producer: AIOKafkaProducer
    said: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def say(self, service: str, stream: str, data: Any, patient: UUID | None = None) -> None:
        """One event of another service, as that service's relay sends it."""
        codec = Codec(scheduling if service == "scheduling" else intake)
        key = str(patient or stream.partition("-")[2])
        lane = lane_of(key)
        self.said[service, lane] += 1
        encoded = codec.encode(data)
        row = {
            "data": encoded.data.decode(),
            "sealed": None,
            "patient_id": patient,
            "corrects": None,
            "causation_id": None,
            "traceparent": None,
            "event_id": uuid4(),
            "type": encoded.type,
            "recorded_at": datetime.now(UTC),
            "stream": stream,
            "position": self.said[service, lane],
            "lane": lane,
            "version": 1,
            "schema_version": encoded.schema_version,
            "site_id": self.clinic.site,
            "effective_at": datetime.now(UTC),
            "actor": "counsellor-7",
            "correlation_id": uuid4(),
            "key": key,
        }
        key_bytes, value, headers = to_kafka(service, row)
        await self.producer.send_and_wait(topic_of(service), value, key_bytes, partition=lane, headers=headers)


@pytest.fixture(scope="module")
async def live(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """A broker of its own, because the topics have the names that they have in real life."""
    folder = tmp_path_factory.mktemp("live")
    broker = TestKafka(kafka_server.start(folder / "kafka", *free_ports(2)))
    await broker.create_topics(*(topic_of(one) for one in ("intake", "scheduling", "medication")))
    await broker.create_topics(TAPER_SCHEDULE_TOPIC, compacted=True)
    database = await postgres.service_database("medication", [SERVICE.migrations])
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    kafka = {"EVENKEEL_KAFKA": broker.bootstrap}
    async with running(database, folder) as clinic:
        clinic.by_hand = False
        clinic.site = "riverside"
        with (
            process("worker", {**database.environment("worker"), **kafka}, folder),
            process("stream", {**database.environment("stream"), **kafka}, folder),
        ):
            yield Live(clinic, producer)
    await producer.stop()
    broker.broker.stop()


async def test_the_live_taper_schedule_equals_a_fold_of_the_event_table(live: Live) -> None:
    clinic, order, taper = live.clinic, str(uuid4()), str(uuid4())
    await live.say("scheduling", "site-riverside", SiteOpened("Riverside", NEW_YORK, (), "standard"))
    draft = order_body()
    await until_accepted(clinic, f"orders/{order}", draft)
    await clinic.done(await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=1))
    plan = {"order_id": order, "target_dose_mg": "4", "steps": steps("14", "8", "4")}
    await clinic.done(await clinic.put(f"tapers/{taper}", plan, "prescriber"))
    await confirm(clinic, taper, 1, 10)
    await give(clinic, order, 10, "14")
    await clinic.done(await clinic.post(f"orders/{order}/missed-doses", {"dosing_on": ago(9)}))
    await confirm(clinic, taper, 2, 6)
    last = await clinic.post(
        f"tapers/{taper}/holds", {"reason": "craving", "held_on": ago(4), "note": "Wants to wait."}, "nurse"
    )
    token = last.headers["consistency-token"]

    shown = await settled(clinic, f"tapers/{taper}/schedule?on={today()}", token)

    facts: dict[str, Any] = {}
    rows = await clinic.owner.fetch(
        f"select {COLUMNS} from log.event where key = $1 order by position", draft["patient_id"]
    )
    for row in rows:
        facts = msgspec.json.decode(msgspec.json.encode(apply(facts, recorded("medication", CODEC, row))))
    assert shown["figures"] == figures(facts)["tapers"][0]
    assert [one["status"] for one in shown["figures"]["steps"]] == ["taken", "confirmed", "held"]
    assert shown["sources"] == {"medication.events.v1": {"lane": rows[-1]["lane"], "position": rows[-1]["position"]}}
    assert (shown["last_event_id"], shown["degraded_since"]) == (str(rows[-1]["event_id"]), None)
    (line,) = (await settled(clinic, f"taper-schedules?decision_due_by={ago(4)}", token))["items"]
    assert line["taper_id"] == taper
    (due,) = (await settled(clinic, "sites/riverside/dosing-list", token))["items"]
    assert (due["ordered_mg"], due["status"]) == ("8", "due")


async def test_a_taper_of_twenty_steps_equals_the_oracle_after_every_command(live: Live) -> None:
    """T42, T43: two holds, a missed dose, a way back up and a wrong entry, with the fold's own process in between."""
    clinic, order, taper = live.clinic, str(uuid4()), str(uuid4())
    await live.say("scheduling", "site-riverside", SiteOpened("Riverside", NEW_YORK, (), "standard"))
    draft = order_body(product_id="methadone-concentrate", split_doses_mg=["40"], starts_on=ago(59))
    await until_accepted(clinic, f"orders/{order}", draft)
    await clinic.done(await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=1))
    compared = Counter[str]()

    async def check(token: str) -> None:
        shown = await settled(clinic, f"tapers/{taper}/schedule", token)
        rows = await clinic.owner.fetch(
            f"select {COLUMNS} from log.event where key = $1 order by position", draft["patient_id"]
        )
        events = [recorded("medication", CODEC, row) for row in rows]
        assert shown["figures"] == schedule(events)["tapers"][0]
        compared.update(one.type for one in events[-1:])

    course = Course(clinic, check, order, taper)
    await lived_through(course)

    steps_taken = (await clinic.get(f"tapers/{taper}/schedule"))["figures"]["steps"]
    assert [one["status"] for one in steps_taken] == ["taken"] * 23
    assert [one["dose_mg"] for one in steps_taken][-1] == "20"
    assert (await course.sheet())["status"] == "completed"
    told = Counter(one["type"] for one in (await clinic.get(f"tapers/{taper}/story"))["events"])
    assert (told["TaperHeld"], told["TaperReversed"], told["TaperStepReopened"]) == (2, 1, 1)
    assert compared.total() > 50


async def test_a_discharge_at_intake_stops_doses_here_once(live: Live) -> None:
    clinic, order, patient, episode = live.clinic, str(uuid4()), uuid4(), uuid4()
    await live.say("scheduling", "site-riverside", SiteOpened("Riverside", NEW_YORK, (), "standard"))
    await until_accepted(clinic, f"orders/{order}", order_body(patient_id=str(patient)))
    await clinic.done(await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=1))
    discharged = PatientDischarged(patient, DischargeReason.COMPLETED, date.fromisoformat(ago(2)), None)
    await live.say("intake", f"episode-{episode}", discharged, patient)

    await until(lambda: waiting_for_review(clinic, patient))
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})
    assert refused.json()["type"].endswith("/patient-discharged")
    (row,) = await clinic.owner.fetch("select actor, site_id from log.event where type = 'CareEnded'")
    assert tuple(row) == ("policy:medication-care", "riverside")


async def waiting_for_review(clinic: Clinic, patient: UUID) -> bool:
    return bool((await clinic.get(f"orders?needs_review=true&patient_id={patient}"))["items"])


async def until_accepted(clinic: Clinic, path: str, body: dict[str, Any]) -> None:
    """The site's opening has to arrive first."""

    async def accepted() -> bool:
        answer = await clinic.put(path, body)
        assert answer.status_code in {201, 409}, answer.text
        return answer.status_code == 201

    await until(accepted)


async def until(done: Any) -> None:
    """Wait for it, not for ever."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while not await done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def settled(clinic: Clinic, path: str, token: str) -> dict[str, Any]:
    """The answer as soon as the views behind it have reached the token."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        headers = clinic.headers() | {"Consistency-Token": token}
        answer = await clinic.client.get(f"/v1/{path}", headers=headers)
        if answer.status_code == 200 and answer.headers["consistency"] == "current":
            found: dict[str, Any] = answer.json()
            return found
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.2)
