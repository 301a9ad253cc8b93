"""From a request to drafts of events: every act decided on the state as it stands, all of them or none."""

import re
from collections.abc import Sequence
from typing import Final

from uuid_utils.compat import uuid7

from shared.codec import Codec, Encoded
from shared.failures import Invalid, StaleVersion, TooLarge
from shared.keyring import SEAL_BYTES
from shared.lanes import lane_of
from shared.log.acts import Act
from shared.log.memory import Known, Workspace
from shared.log.pending import Draft, Home, Pending, Target

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Deciding:
    """Decides requests one after the other, without looking outside."""

    def __init__(self, codec: Codec, event_bytes_max: int) -> None:
        """`event_bytes_max` is what the broker takes with room to spare (trap T53)."""
        self._codec, self._event_bytes_max = codec, event_bytes_max

    def decide(self, pending: Pending, workspace: Workspace) -> dict[str, Known]:
        """Fill the request's checks and drafts; the streams as it leaves them. Raises what the deciders raise."""
        pending.checks, pending.drafts = {}, []
        changed: dict[str, Known] = {}
        for act, target, given in pending.acts:
            known = _look(pending, target, workspace, changed)
            states = [_look(pending, one, workspace, changed).state for one in given]
            seen = pending.checks[target.stream]
            if act.expected is not None and act.expected != seen:
                raise StaleVersion(expected=act.expected, version=seen)
            events = act.decider.decide(known.state, act.command, *states)
            if events:
                changed[target.stream] = self._drafted(pending, act, target, known, events)
        workspace.keep(changed)
        return changed

    def _drafted(self, pending: Pending, act: Act, target: Target, known: Known, events: Sequence[object]) -> Known:
        home = known.home or _home(pending, act)
        version, state = known.version, known.state
        for event in events:
            version += 1
            encoded = self._encoded(event)
            pending.drafts.append(Draft(uuid7(), act, target.stream, version, home, encoded))
            state = act.decider.evolve(state, self._codec.without_personal(event))
        return Known(version, state, home)

    def _encoded(self, event: object) -> Encoded:
        try:
            encoded = self._codec.encode(event)
        except UnicodeEncodeError as error:
            raise Invalid("Half of a surrogate pair cannot be stored") from error
        data = encoded.data
        if b"\\u0000" in data and _NUL.search(
            data
        ):  # jsonb cannot hold it; found here it fails one request, not a batch
            raise Invalid("The character NUL cannot be stored")
        size = _bytes_on_kafka(encoded)
        if size > self._event_bytes_max:
            raise TooLarge(bytes=size, bytes_max=self._event_bytes_max)
        return encoded


def _bytes_on_kafka(encoded: Encoded) -> int:
    """At most so many: jsonb writes a space after each colon and comma, sealed bytes travel as base64 in a member of their own."""
    size = len(encoded.data) + encoded.data.count(b":") + encoded.data.count(b",")
    if encoded.personal is not None:
        size += (len(encoded.personal) + SEAL_BYTES + 2) // 3 * 4 + len(', "sealed": ""')
    return size


def _look(pending: Pending, target: Target, workspace: Workspace, changed: dict[str, Known]) -> Known:
    if target.stream in changed:
        return changed[target.stream]
    known = workspace.get(target, pending.context.sites)
    pending.checks[target.stream] = known.version
    return known


def _home(pending: Pending, act: Act) -> Home:
    patient_id = act.subject.patient_id
    key = str(patient_id or act.stream_id)
    return Home(pending.context.site_id, key, lane_of(key), patient_id)
