"""The planted bugs: each takes one guard away from a process of the product, which knows nothing of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.faults.putting import put

type Plant = Callable[[], None]


def plant(names: Sequence[str], service: str, kind: str) -> None:
    """Plant those of the named bugs that belong into this process. Raises KeyError for a name that there is not."""
    for name in names:
        process, bug = BUGS[name]
        if process in {kind, f"{service}-{kind}"}:
            bug()


def acknowledge_before_commit() -> None:
    """The caller is told while the transaction is still open."""
    from shared.log import batch  # noqa: PLC0415 - only the process in which the bug is planted

    sound = batch.Batches.carry_out
    open_since: list[asyncio.Task[None]] = []

    async def carry_out(self: Any, connection: Any, pending: Any) -> Any:
        while open_since:
            await open_since.pop()
        transaction = connection.transaction()
        await transaction.start()
        again = await sound(self, connection, pending)

        async def commit() -> None:
            await asyncio.sleep(0.25)
            await transaction.commit()

        open_since.append(asyncio.create_task(commit()))
        return again

    put(batch.Batches, "carry_out", carry_out)


def half_a_command() -> None:
    """The events of one command are stored in two transactions."""
    from dataclasses import replace  # noqa: PLC0415

    from shared.log import batch  # noqa: PLC0415
    from shared.log.acts import Outcome  # noqa: PLC0415
    from shared.log.append import append as sound  # noqa: PLC0415

    async def append(connection: Any, pending: Any) -> Any:
        outcomes = []
        for one in pending:
            drafts = list(one.drafts)
            if len(drafts) < 2:
                outcomes += await sound(connection, [one])
                continue
            first, rest = drafts[: len(drafts) // 2], drafts[len(drafts) // 2 :]
            (outcome,) = await sound(connection, [replace(one, drafts=first)])
            await asyncio.sleep(0.1)
            if outcome is not None:
                reached = dict(one.checks) | {draft.stream: draft.version for draft in first}
                later = replace(one, drafts=rest, checks=reached, key=f"{one.key}-rest")
                (more,) = await sound(connection, [later])
                outcome = Outcome((*outcome.stored, *(more.stored if more else ())), outcome.recorded_at)
            outcomes.append(outcome)
        return outcomes

    put(batch, "append", append)


def slot_not_unique() -> None:
    """Every dose is a slot of its own."""
    from uuid import uuid4  # noqa: PLC0415

    from services.medication import dosing  # noqa: PLC0415

    put(dosing, "slot_id", lambda *_: uuid4())


def utc_dates() -> None:
    """The date of a session is taken in UTC, not on the site's clock."""
    from datetime import UTC  # noqa: PLC0415

    from services.scheduling import slot  # noqa: PLC0415

    put(slot, "local_date", lambda _zone, moment: moment.astimezone(UTC).date())


def policy_forgets_its_key() -> None:
    """What a policy does because of an event gets a new id at every try."""
    from uuid import uuid4  # noqa: PLC0415

    from shared import policy  # noqa: PLC0415

    put(policy, "uuid5", lambda *_: uuid4())


def _flow(name: str) -> Plant:
    def bug() -> None:
        from tests.faults import mutants_flow  # noqa: PLC0415

        getattr(mutants_flow, name)()

    return bug


def _fold(name: str) -> Plant:
    def bug() -> None:
        from tests.faults import mutants_fold  # noqa: PLC0415

        getattr(mutants_fold, name)()

    return bug


BUGS: Final[Mapping[str, tuple[str, Plant]]] = {
    "acknowledge-before-commit": ("scheduling-api", acknowledge_before_commit),
    "half-a-command": ("scheduling-api", half_a_command),
    "slot-not-unique": ("medication-api", slot_not_unique),
    "utc-dates": ("scheduling-api", utc_dates),
    "policy-forgets-its-key": ("scheduling-worker", policy_forgets_its_key),
    "cursor-not-compared": ("scheduling-worker", _flow("cursor_not_compared")),
    "cursor-not-read": ("scheduling-worker", _flow("cursor_not_read")),
    "checkpoint-first": ("scheduling-worker", _flow("checkpoint_first")),
    "effect-outside": ("scheduling-worker", _flow("effect_outside")),
    "checkpoint-not-fenced": ("scheduling-worker", _flow("checkpoint_not_fenced")),
    "duplicates-kept": ("scheduling-worker", _flow("duplicates_kept")),
    "gap-ignored": ("scheduling-worker", _flow("gap_ignored")),
    "wall-clock-order": ("scheduling-worker", _flow("wall_clock_order")),
    "auto-commit": ("scheduling-worker", _flow("auto_commit")),
    "parking-without-order": ("scheduling-worker", _flow("parking_without_order")),
    "plain-agent": ("intake-stream", _fold("plain_agent")),
    "parking-failure-swallowed": ("intake-stream", _fold("parking_failure_swallowed")),
    "a-timer": ("intake-worker", _flow("a_timer")),
    "timer-without-key": ("intake-worker", _flow("timer_without_key")),
}
"""Name to the process that it is planted in, and how. `a-timer` is no bug: it gives intake something that falls due."""
