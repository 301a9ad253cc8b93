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
from shared.log.memory import Home, Known, Workspace
from shared.log.pending import Draft, Pending

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Deciding:
    """Decides requests one after the other, without looking outside."""

    def __init__(self, codec: Codec, event_bytes_max: int) -> None:
        """`event_bytes_max` is what the broker takes with room to spare (trap T53)."""
        self._codec, self._event_bytes_max = codec, event_bytes_max

    def decide(self, pending: Pending, workspace: Workspace) -> None:
        """Fill the request's checks, drafts and changes. Raises what the deciders raise."""
        pending.checks, pending.drafts, pending.changed = {}, [], {}
        for act in pending.acts:
            known = _look(pending, act.stream, workspace)
            states = [_look(pending, one.stream, workspace).state for one in act.given]
            seen = pending.checks[act.stream]
            if act.expected is not None and act.expected != seen:
                raise StaleVersion(expected=act.expected, version=seen)
            events = act.decider.decide(known.state, act.command, *states)
            if events:
                pending.changed[act.stream] = self._drafted(pending, act, known, events)
        workspace.keep(pending.changed)

    def _drafted(self, pending: Pending, act: Act, known: Known, events: Sequence[object]) -> Known:
        home = known.home or _home(pending, act)
        version, state = known.version, known.state
        for event in events:
            version += 1
            encoded = self._encoded(event)
            pending.drafts.append(Draft(uuid7(), act, act.stream, version, home, encoded))
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


def _look(pending: Pending, stream: str, workspace: Workspace) -> Known:
    if stream in pending.changed:
        return pending.changed[stream]
    known = workspace.get(stream, pending.context.sites)
    pending.checks[stream] = known.version
    return known


def _home(pending: Pending, act: Act) -> Home:
    patient_id = act.subject.patient_id
    key = str(patient_id or act.stream_id)
    return Home(pending.context.site_id, key, lane_of(key), patient_id)
