"""T13: an older backup is restored. Nothing goes on by itself; an operator is told and led out, and nothing differs afterwards."""

import json
from collections.abc import AsyncIterator

import pytest

from deploy.instance import Instance
from tests.embedded import open_folder
from tests.recovery.drilling import Drill
from tests.system import System

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
async def drill() -> AsyncIterator[Drill]:
    """Patients before the backup, patients after it, and then the backup is what there is."""
    with open_folder() as folder:
        made = Drill(System(Instance(folder / "system")), folder / "backup")
        made.system.up()
        await made.lead("before", 4)
        made.system.down()
        made.back_up()
        made.system.up()
        await made.lead("after", 3)
        made.system.down()
        yield made
        made.system.down()


async def test_an_older_log_is_noticed_shown_and_made_whole_from_the_topic(drill: Drill) -> None:
    """The start is refused; the survivors are put back as the events that were signed; everybody is where the events say."""
    signed = await restored(drill)
    whole = sum(position for lanes in signed.values() for position in lanes.values())

    shown = drill.command("recover")
    unsaid = drill.command("recover", "--way", "reappend", "--yes")
    without_keys = drill.command("recover", "--way", "reappend", "--reason", "drill", "--yes")
    assert (shown.returncode, unsaid.returncode, without_keys.returncode) == (1, 1, 1)
    assert "Restore a newer backup" in shown.stdout
    assert "goes on record" in unsaid.stderr
    assert "are not in the keyring" in without_keys.stderr
    assert drill.command("recover").stdout == shown.stdout  # nothing was changed

    done = drill.command("recover", "--way", "reappend", "--reason", "drill", "--keys-are-lost", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is one history again" in done.stdout
    drill.system.up()
    assert await drill.differences("before", "after") == []
    result = drill.verified()
    assert (result["faults"], result["degraded"]) == ([], 0)
    assert result["events"] >= whole  # what was written after the last signature came back from the topic too
    drill.system.down()


async def test_a_log_that_went_on_can_only_be_accepted(drill: Drill) -> None:
    """What only the topic has is kept in a file; everything shown is built from the log; the export says it for good."""
    signed = await restored(drill)
    await drill.go_on(signed["scheduling"])

    shown = drill.command("recover")
    refused = drill.command("recover", "--way", "reappend", "--reason", "drill", "--keys-are-lost", "--yes")
    assert "1 only in the log" in shown.stdout
    assert refused.returncode == 1
    assert "two histories cannot be one lane" in refused.stderr

    done = drill.command("recover", "--way", "accept", "--reason", "the second drill", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = drill.system.instance.folder.glob("lost-events-*.jsonl")
    lost = [json.loads(line) for line in kept.read_text().splitlines()]
    assert {str(one.patient_id) for one in drill.patients["after"]} <= {one["patient_id"] for one in lost}
    drill.system.up()
    await drill.lead("later", 2)
    assert await drill.differences("before", "later") == []
    assert drill.verified()["faults"] == []

    export = drill.system.instance.folder / "export.jsonl"
    assert drill.command("verify", "--export", str(export)).returncode == 0
    checked = drill.command(
        "verify", "--file", str(export), "--public-key", str(drill.system.instance.proof_public_key)
    )
    assert checked.returncode == 0, checked.stdout
    assert "the second drill" in checked.stdout


async def restored(drill: Drill) -> dict[str, dict[int, int]]:
    """The older backup is in place, and the start is refused; how far each service's lanes were signed before."""
    drill.system.down()  # also after a test that failed halfway
    signed: dict[str, dict[int, int]] = {}
    for path in drill.system.instance.checkpoints.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            statement = json.loads(line)["statement"]
            places = {lane: position for lane, position, *_ in statement["lanes"]}
            signed[statement["service"]] = signed.get(statement["service"], {}) | places
    drill.restore()
    refused = drill.command("up", "--detach")
    assert refused.returncode == 1
    assert "it is an older log, as after a restored backup" in refused.stderr
    assert "evenkeel recover" in refused.stderr
    return signed
