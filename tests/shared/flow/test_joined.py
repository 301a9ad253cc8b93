"""Writes that go to the server together leave the same rows as writes that go one by one."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared import projection
from shared.database import Connection, connect
from shared.projection import Keyed, Write, joined, run_joined, run_writes
from tests.conftest import MakeDatabase

TABLE = "create table view.story (key text primary key, told text not null default '')"
# None of these commutes with the others on the same row.
BEGIN = "insert into view.story (key) values ($1) on conflict (key) do update set told = 'begun again'"
TELL = "update view.story set told = told || $2 where key = $1"
TURN = "update view.story set told = reverse(told) where key = $1"
END = "delete from view.story where key = $1"
ROUNDS = 60

keyed = st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from([BEGIN, TELL, TURN, END]), max_size=3))


def writes(key: str, statements: Sequence[str], letters: Iterable[str]) -> Keyed:
    return key, [
        Write(sql, (key, letter) if sql == TELL else (key,)) for sql, letter in zip(statements, letters, strict=False)
    ]


def story(random: Random) -> list[Keyed]:
    """Events of a few keys, each with up to four statements."""
    letters = (chr(random.randrange(97, 123)) for _ in iter(int, 1))
    return [
        writes(
            random.choice("abcde"),
            random.choices([BEGIN, TELL, TURN, END], [2, 6, 2, 1], k=random.randrange(5)),
            letters,
        )
        for _ in range(random.randrange(40))
    ]


@given(st.lists(keyed))
def test_a_key_s_writes_keep_their_order_and_none_is_lost(events: list[tuple[str, list[str]]]) -> None:
    numbered = [
        (key, [Write(sql, (key, at, n)) for n, sql in enumerate(sqls)]) for at, (key, sqls) in enumerate(events)
    ]
    ran = [(sql, args) for sql, run in joined(numbered) for args in run]

    for key in "abc":
        asked = [(one.sql, one.args) for of, many in numbered if of == key for one in many]
        assert [one for one in ran if one[1][0] == key] == asked


def test_equal_statements_of_many_keys_are_one_run() -> None:
    events = [(str(key), [Write(BEGIN, (str(key),)), Write(TELL, (str(key), "x"))]) for key in range(100)]

    assert [len(run) for _, run in joined(events)] == [100, 100]


async def differences(database_of: MakeDatabase) -> int:
    """How many of ROUNDS stories end with other rows than one by one."""
    database = await database_of("intake")
    owner = await connect(database.superuser_dsn, name="tests")
    await owner.execute(TABLE)
    random, found = Random(7), 0
    for _ in range(ROUNDS):
        events = story(random)
        found += await rows_after(owner, events, one_by_one) != await rows_after(owner, events, run_joined)
    await owner.close()
    return found


async def rows_after(
    owner: Connection, events: list[Keyed], run: Callable[[Connection, list[Keyed]], Any]
) -> list[Any]:
    await owner.execute("truncate view.story")
    await run(owner, events)
    return [tuple(row) for row in await owner.fetch("select * from view.story order by key")]


async def one_by_one(owner: Connection, events: list[Keyed]) -> None:
    for _, many in events:
        for one in many:
            await run_writes(owner, [one])


async def test_the_rows_are_those_of_one_by_one(service_database: MakeDatabase) -> None:
    assert await differences(service_database) == 0


async def test_joining_without_regard_to_keys_would_be_noticed(
    service_database: MakeDatabase, monkeypatch: Any
) -> None:
    """A mutant without the guard: every statement's writes at once, whatever stands between them."""

    def by_statement(events: Iterable[Keyed]) -> list[tuple[str, list[tuple[object, ...]]]]:
        runs: dict[str, list[tuple[object, ...]]] = {}
        for _, many in events:
            for one in many:
                runs.setdefault(one.sql, []).append(one.args)
        return list(runs.items())

    monkeypatch.setattr(projection, "joined", by_statement)
    assert await differences(service_database) > ROUNDS // 2
