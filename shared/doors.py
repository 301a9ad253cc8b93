"""A command's route is given one door: who calls, from which site, and the way into the log."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared import tokens
from shared.calls import Call
from shared.consistency import Watcher
from shared.failures import Forbidden, Invalid, NotFound, VersionRequired
from shared.log import Act, Context, Outcome
from shared.reading import QueryDoor
from shared.resources import Resources
from shared.settings import Settings

_KEY: Final = re.compile(rb"[A-Za-z0-9_-]{8,80}")
_SITE: Final = re.compile(rb"[a-z][a-z0-9-]{1,39}")
_VERSION: Final = re.compile(rb'"([0-9]{1,18})"')


@dataclass(frozen=True)
class AcceptedEvent:
    """One event that is on disk."""

    event_id: UUID
    type: str
    stream: str
    version: int


@dataclass(frozen=True)
class Accepted:
    """The events are on disk. `version` is the first stream's new version: the next If-Match."""

    stream: str
    version: int
    events: list[AcceptedEvent]
    recorded_at: datetime


class AlreadyDone(Exception):  # noqa: N818 - no failure: the answer that the same key was given before
    """The command was carried out under this key before; nothing is looked up or decided again."""

    def __init__(self, accepted: Accepted) -> None:
        super().__init__()
        self.accepted = accepted


class CommandDoor(QueryDoor):
    """What a command's route is given. A retry of a command that was carried out ends at its first look-up."""

    def __init__(self, call: Call, resources: Resources, watcher: Watcher) -> None:
        """Raises Invalid or Forbidden for headers that are missing or not the caller's to use."""
        super().__init__(call, resources, watcher)
        self._key = _key_of(call)
        self.site_id = call.site_id = _acting_site(call)
        asked = (call.operation.encode(), call.path.encode(), self.site_id.encode(), call.body)
        self._fingerprint = hashlib.sha256(b"\n".join(asked)).digest()
        self._begun = False

    @property
    def settings(self) -> Settings:
        """The limits."""
        return self._resources.settings

    def expected(self) -> int:
        """The version in If-Match. Raises VersionRequired or Invalid."""
        given = self._call.headers.get(b"if-match")
        if given is None:
            raise VersionRequired(field="If-Match")
        found = _VERSION.fullmatch(given)
        if not found:
            raise Invalid('Must be one version in quotation marks, as in ETag: "3"', field="If-Match")
        return int(found[1])

    async def handle(self, *acts: Act) -> Accepted:
        """All acts or none, on disk when it returns. Once per request: the key stands for all of it.

        Raises what the deciders raise, NotFound, StaleVersion, TooLarge, Busy, and for the key: Invalid (it was used for
        another request) or Refused (the first request is still at work).
        """
        context = Context(
            actor=self.caller.subject,
            site_id=self.site_id,
            correlation_id=self._call.correlation_id,
            traceparent=self._call.traceparent,
            sites=self.sites,
        )
        outcome = await self._resources.log.handle(acts, context, self._key, self._fingerprint)
        if outcome.stored:
            return self._accepted(outcome)
        version = await self._version(acts[0])
        self._call.answer_headers.append((b"etag", b'"%d"' % version))
        return Accepted(acts[0].decider.stream(acts[0].stream_id), version, [], outcome.recorded_at)

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        outcome = await self._resources.log.replay(self._key, self._fingerprint)
        if outcome is not None and outcome.stored:
            raise AlreadyDone(self._accepted(outcome))

    def _accepted(self, outcome: Outcome) -> Accepted:
        events = [AcceptedEvent(one.event_id, one.type, one.stream, one.version) for one in outcome.stored]
        stream = events[0].stream
        version = max(one.version for one in events if one.stream == stream)
        token = tokens.write(self._resources.service.name, ((one.lane, one.position) for one in outcome.stored))
        headers = self._call.answer_headers
        headers += [(b"etag", b'"%d"' % version), (b"consistency-token", token.encode())]
        if outcome.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        return Accepted(stream, version, events, outcome.recorded_at)

    async def _version(self, act: Act) -> int:
        try:
            return (await self._resources.log.state(act.decider, act.stream_id))[1]
        except NotFound:
            return 0


def _key_of(call: Call) -> str:
    """The caller's own key: two callers who chose the same one do not meet."""
    given = call.headers.get(b"idempotency-key")
    if given is None or not _KEY.fullmatch(given):
        raise Invalid(
            "A command needs 8 to 80 letters, digits, `-` or `_`, chosen anew for each", field="Idempotency-Key"
        )
    return f"{call.caller.subject} {given.decode()}"


def _acting_site(call: Call) -> str:
    """Where this is done: Evenkeel-Site, or the only site that the caller has."""
    given = call.headers.get(b"evenkeel-site")
    if given is None:
        if len(call.caller.sites) != 1 or call.caller.everywhere:
            raise Invalid("Say at which site this is done", field="Evenkeel-Site")
        return next(iter(call.caller.sites))
    if not _SITE.fullmatch(given):
        raise Invalid("Must be a site's short name", field="Evenkeel-Site")
    site = given.decode()
    if not call.caller.may_act_at(site):
        raise Forbidden("The site is not the caller's", field="Evenkeel-Site")
    return site
