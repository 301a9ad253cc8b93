"""The planted bugs with the scene that each must not survive, and the statements of those that are planted by SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.faults import scenes
from tests.faults.scenes import Scene, killing


@dataclass(frozen=True)
class Planted:
    """One guard removed. `bug` names a patch in `mutants`, `sql` is (database, statement), `caller` is a habit of the load."""

    name: str
    guard: str
    scene: Scene
    bug: str = ""
    sql: Sequence[tuple[str, str]] = ()
    caller: str = ""
    seconds_max: float = 240.0
    traps: str = ""
    """Numbers of the traps that bite without the guard."""


# Positions are drawn from a sequence, as from a serial column: who draws first may commit last.
_SEQUENCES: Final = """
do $$
declare
    said text := pg_get_functiondef((select oid from pg_proc where pronamespace = 'log'::regnamespace and proname = 'append'));
    was text := said;
    one record;
begin
    for one in select lane, head from log.lane loop
        execute format('create sequence log.lane_%s minvalue 1 start %s owned by none', one.lane, one.head + 1);
        execute format('alter sequence log.lane_%s owner to scheduling_owner', one.lane);
    end loop;
    said := replace(said, 'where l.lane = any(event_lanes) order by l.lane for update', 'where l.lane = any(event_lanes) order by l.lane');
    said := replace(said, 'array_agg(h.head + p.nth order by p.n) into',
        'array_agg(case when p.nth is not null then nextval(''log.lane_'' || p.lane) end order by p.n) into');
    said := replace(said, 'insert into log.event (lane,', 'perform pg_sleep(random() * 0.1); insert into log.event (lane,');
    said := replace(said, 'set head = u.head, recorded_at', 'set head = greatest(l.head, u.head), recorded_at');
    assert length(said) = length(was) + 94, 'log.append has other words now';
    execute said;
end $$
"""

MUTANTS: Final = (
    Planted("acknowledge before commit", "answers go out after the commit", killing("scheduling-api"), "acknowledge-before-commit", traps="T31"),
    Planted(
        "commit not on disk", "synchronous_commit stays on", killing("postgres", kind="postgres-stop"), traps="T31",
        sql=(("scheduling", "alter role scheduling_api set synchronous_commit = off"),),
    ),
    Planted("lane order removed", "the lane's row is locked to the commit", scenes.two_apis, sql=(("scheduling", _SEQUENCES),), traps="T1 T2"),
    Planted("relay cursor without compare-and-set", "the cursor moves from where it was", scenes.locks_void, "cursor-not-compared", traps="T7 T8"),
    Planted("relay reading without the cursor", "the relay begins after its cursor", killing("scheduling-worker"), "cursor-not-read", traps="T6"),
    Planted("half a multi-event command", "one transaction for all events", killing("scheduling-api"), "half-a-command", traps="T31"),
    Planted("checkpoint before effect", "rows and checkpoint commit together", killing("scheduling-worker"), "checkpoint-first", traps="T9"),
    Planted("effect outside the checkpoint's transaction", "rows and checkpoint commit together", killing("scheduling-worker"), "effect-outside", traps="T9"),
    Planted("checkpoint without fencing", "the checkpoint moves from where it was", scenes.zombie, "checkpoint-not-fenced", traps="T10"),
    Planted("duplicates not dropped", "a position counts once", scenes.sent_again, "duplicates-kept", traps="T12"),
    Planted("gap ignored", "positions are contiguous", scenes.gap, "gap-ignored", traps="T11"),
    Planted("auto-commit", "PostgreSQL says where to go on", killing("scheduling-worker"), "auto-commit", traps="T9"),
    Planted("plain Faust agent", "the guard around the fold", scenes.poison, "plain-agent", traps="T14 T15"),
    Planted("parking failure swallowed", "folded or parked, else the process dies", scenes.poison_cut_off, "parking-failure-swallowed", traps="T27"),
    Planted("retry with a new command id", "a retry has the first try's key", scenes.slow_answers, caller="new_key_each_time", traps="T31"),
    Planted("policy with a new command id", "an act's key follows from its cause", scenes.heard_again, "policy-forgets-its-key", traps="T12"),
    Planted("parking that drops the order", "later events of the key wait behind", scenes.poison, "parking-without-order", traps="T28"),
    Planted("slot uniqueness dropped", "a slot is one stream", scenes.calm, "slot-not-unique", traps="I8"),
    Planted(
        "site filter dropped", "row level security", scenes.calm, traps="T50",
        sql=(
            ("intake", "alter table view.plan_state disable row level security; alter table view.patient disable row level security"),
            ("medication", "alter table view.medication_order disable row level security; alter table view.dose disable row level security"),
        ),
    ),
    Planted("wall clock as order", "positions are the order", scenes.calm, "wall-clock-order", traps="T54"),
    Planted("local date taken in UTC", "dates are the site's", scenes.calm, "utc-dates", traps="T44"),
    Planted("timer without dedupe", "an item is claimed, its act has a key", scenes.due, "a-timer,timer-without-key", traps="T46"),
)  # fmt: skip
