"""Planted bugs of the stream processors."""

import asyncio
from typing import Any

from deploy.processes import stream
from shared import fold_app, fold_guard
from shared.fold_value import fold_in, stored, written
from shared.parking import key_of
from tests.faults.putting import put


def parking_failure_swallowed() -> None:
    """What can be neither folded nor parked is let go."""

    async def park(self: Any, message: Any, error: Exception) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self.parking.park(self.fold.app_id, key_of(message), message, type(error).__name__)
        except Exception as failure:  # noqa: BLE001 - the bug
            fold_guard.log.warning("fold.parking_failed", error=type(failure).__name__)

    put(fold_guard.Guard, "_park", park)


def plain_agent() -> None:
    """An agent as Faust's own documentation writes it."""
    sound = fold_app.fold_app

    def plain_app(fold: Any, decode: Any, parking: Any, settings: Any, limits: Any) -> Any:
        agent = fold_app.FoldApp.agent

        def without_guard(app: Any, *args: Any, **options: Any) -> Any:
            def register(_: Any) -> Any:
                async def take_each(stream: Any) -> None:
                    async for event in stream.events():
                        message = event.message
                        happened = decode(message)
                        if happened.patient_id is None:
                            continue
                        value = fold_in(fold, message.topic, stored(app.guard.table.get(message.key)), happened)
                        app.guard.table.write(message.partition, message.key, written(fold, value))

                return agent(app, *args, **options)(take_each)

            return register

        put(fold_app.FoldApp, "agent", without_guard)
        return sound(fold, decode, parking, settings, limits)

    put(stream, "fold_app", plain_app)
