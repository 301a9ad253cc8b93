"""From a request to drafts of events: every act decided on the state as it stands, all of them or none."""

from dataclasses import replace

from uuid_utils.compat import uuid7

from shared.codec import Codec
from shared.failures import Invalid, StaleVersion, TooLarge
from shared.keyring import Keyring
from shared.lanes import lane_of
from shared.log.acts import Act
from shared.log.memory import Known, Workspace
from shared.log.pending import Draft, Pending


class Deciding:
    """Decides requests one after the other; what it needs of the outside is the keyring, to seal personal fields."""

    def __init__(self, codec: Codec, keyring: Keyring, event_bytes_max: int) -> None:
        """`event_bytes_max` is what the broker takes with room to spare (trap T53)."""
        self._codec, self._keyring, self._event_bytes_max = codec, keyring, event_bytes_max

    async def decide(self, pending: Pending, workspace: Workspace) -> dict[str, Known]:
        """Fill the request's checks and drafts; the streams as it leaves them. Raises what the deciders raise."""
        pending.checks, pending.drafts = {}, []
        if pending.wrong_correction:
            raise Invalid("No event of this stream has this id", field="corrects")
        changed: dict[str, Known] = {}
        for act in pending.acts:
            stream = act.decider.stream(act.stream_id)
            known = changed.get(stream) or workspace.get(act.decider, act.stream_id, pending.context.sites)
            pending.checks.setdefault(stream, known.version)
            if act.expected is not None and act.expected != known.version:
                raise StaleVersion(expected=act.expected, version=known.version)
            changed[stream] = await self._act(
                pending, act, stream, known, self._given(pending, act, workspace, changed)
            )
        workspace.keep(changed)
        return changed

    def _given(self, pending: Pending, act: Act, workspace: Workspace, changed: dict[str, Known]) -> list[object]:
        states = []
        for one in act.given:
            stream = one.decider.stream(one.stream_id)
            known = changed.get(stream) or workspace.get(one.decider, one.stream_id, pending.context.sites)
            pending.checks.setdefault(stream, known.version)
            states.append(known.state)
        return states

    async def _act(self, pending: Pending, act: Act, stream: str, known: Known, given: list[object]) -> Known:
        events = act.decider.decide(known.state, act.command, *given)
        if events and known.version == 0:
            patient_id = act.subject.patient_id
            key = str(patient_id or act.stream_id)
            known = replace(known, site_id=pending.context.site_id, key=key, patient_id=patient_id)
        for event in events:
            await self._draft(pending, act, stream, known, event)
            state = act.decider.evolve(known.state, self._codec.without_personal(event))
            known = replace(known, version=known.version + 1, state=state)
        return known

    async def _draft(self, pending: Pending, act: Act, stream: str, known: Known, event: object) -> None:
        encoded = self._codec.encode(event)
        size = len(encoded.data) + len(encoded.personal or b"") * 4 // 3  # sealed bytes travel as base64
        if size > self._event_bytes_max:
            raise TooLarge(bytes=size, bytes_max=self._event_bytes_max)
        assert known.key is not None
        event_id = uuid7()
        sealed = None
        if encoded.personal is not None:
            sealed = await self._keyring.seal(known.key, event_id, encoded.personal)
            if sealed is None:
                raise Invalid("The patient's identity has been erased", field=None)
        pending.drafts.append(
            Draft(
                event_id,
                act,
                stream,
                known.version + 1,
                known.key,
                lane_of(known.key),
                known.patient_id,
                encoded,
                sealed,
            )
        )
