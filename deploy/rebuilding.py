"""Finds what a rebuild needs: the projection, and for each of its topics the log that the events are read from."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from deploy.operating import opened, services_here, settings_of
from deploy.outputs import OutputRebuild, OutputShadow
from deploy.rebuild import Shadow, Source
from deploy.sides import Rebuild
from shared.cloudevents import topic_of
from shared.codec import Codec
from shared.failures import Failure
from shared.projection import TableProjection


class NoProjection(Failure):
    """The service keeps no rows under this name."""


class PoliciesAct(Failure):
    """A policy keeps no rows: it acts, and what was done is not done again."""


class LogElsewhere(Failure):
    """The log of one of its topics cannot be reached from here; run this where all services' databases are known."""


@asynccontextmanager
async def rebuilding(service: str, name: str, data: Path) -> AsyncIterator[Rebuild]:
    """A projection of a service that can be operated from here. Raises NoProjection, PoliciesAct, LogElsewhere, NotHere."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(opened(service, settings_of(service, data)))
        if name in {one.name for one in here.service.policies}:
            raise PoliciesAct
        kept = {one.name: one for one in here.service.projections}
        if name not in kept:
            raise NoProjection(f"{service} has: {', '.join(kept)}")
        projection = kept[name]
        if isinstance(projection, TableProjection):
            yield OutputRebuild(here, await stack.enter_async_context(OutputShadow(here, projection)))
            return
        sources: dict[str, Source] = {}
        for other in services_here(data):
            if topic_of(other) in projection.topics:
                found = (
                    here
                    if other == service
                    else await stack.enter_async_context(opened(other, settings_of(other, data)))
                )
                sources[topic_of(other)] = Source(found.pool, Codec(found.service.vocabulary))
        if set(sources) != set(projection.topics):
            raise LogElsewhere
        yield Rebuild(here, projection, Shadow(here, projection, sources))
