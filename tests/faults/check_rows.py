"""What the services show: every plan state, taper schedule and list against the independent fold, and only the own site's."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from deploy.demo.client import Network
from deploy.demo.compare import compare
from deploy.demo.reference import read_tables
from deploy.demo.ways import Patient
from deploy.demo.world import SITES
from tests.faults.check_log import SERVICES, Tables, Violation
from tests.system import System

PUT_ASIDE: Final = "messages were put aside"
STRANGERS_MAX: Final = 6
"""Of so many patients of each site another site asks."""

# The stream of a row whose id is in this column; the row's version is how many of the stream's events it has taken in.
VERSIONED: Final = """
select c.table_name, min(k.column_name) as id
from information_schema.columns c
join information_schema.table_constraints t on t.table_schema = 'view' and t.table_name = c.table_name and t.constraint_type = 'PRIMARY KEY'
join information_schema.key_column_usage k on k.constraint_schema = 'view' and k.constraint_name = t.constraint_name
where c.table_schema = 'view' and c.column_name = 'version' group by c.table_name having count(*) = 1
"""


async def check(
    system: System,
    network: Network,
    patients: Sequence[Patient],
    tables: Mapping[str, Tables],
    parked: frozenset[str] = frozenset(),
) -> list[Violation]:
    """Over HTTP for patients, in the tables for everything that carries its stream's version.

    Of patients who are `parked` nothing is expected.
    """
    known = set((await read_tables(system.instance)).events) - parked
    there = [one for one in patients if str(one.patient_id) in known]
    said = (await compare(network, there)).mismatches
    found = [Violation(_rule(one), one) for one in said if not (parked and PUT_ASIDE in one)]
    for service in SERVICES:
        found += await _versions(system, tables[service], parked)
    return list(dict.fromkeys(found))


def _rule(sentence: str) -> str:
    if sentence.startswith("slot "):
        return "slot"
    if PUT_ASIDE in sentence or "degraded since" in sentence:
        return "parked"
    return "positions" if " lane " in sentence else "rows"


async def _versions(system: System, tables: Tables, parked: frozenset[str]) -> list[Violation]:
    """A row that carries a version has taken in as many events as its stream has, no row too many and none too few."""
    versions: dict[str, int] = {}
    excused: set[str] = set()
    for row in tables.rows:
        name = row.stream.split("-", 1)[1]
        versions[name] = max(row.version, versions.get(name, 0))
        if row.key in parked:
            excused.add(name)
    found: list[Violation] = []
    connection = await asyncpg.connect(system.dsn(tables.service))
    try:
        for table in await connection.fetch(VERSIONED):
            rows = await connection.fetch(f"select {table['id']}::text as id, version from view.{table['table_name']}")
            found += [
                Violation(
                    "rows",
                    f"{table['table_name']} {row['id']}: version {row['version']}, the log has {versions.get(row['id'])}",
                )
                for row in rows
                if row["id"] not in excused and versions.get(row["id"]) != row["version"]
            ]
    finally:
        await connection.close()
    return found


async def strangers(network: Network, patients: Sequence[Patient]) -> list[Violation]:
    """No list of a site names another site's patient, and asking for one by its id finds nothing."""
    homes = {str(one.patient_id): one.group.site for one in patients}
    found: list[Violation] = []
    for site, _, _ in SITES:
        for place in ("medication/orders", "medication/doses", "intake/plan-states", "intake/patients"):
            rows = await _listed(network, place, site)
            found += _foreign(rows, homes, place, site)
        theirs = [one for one, home in homes.items() if home != site][:STRANGERS_MAX]
        for patient_id in theirs:
            found += await _asked(network, patient_id, site)
    return found


async def _listed(network: Network, place: str, site: str) -> list[dict[str, Any]]:
    answer = await network.query(f"{place}?limit=200", role="counsellor", site=site)
    return list(answer.json()["items"]) if answer.is_success else []


def _foreign(rows: Iterable[dict[str, Any]], homes: Mapping[str, str], place: str, site: str) -> list[Violation]:
    seen = {str(row["patient_id"]) for row in rows if "patient_id" in row}
    return [
        Violation("site", f"{place} at {site} shows {patient_id} of {homes[patient_id]}")
        for patient_id in sorted(seen)
        if homes.get(patient_id, site) != site
    ]


async def _asked(network: Network, patient_id: str, site: str) -> list[Violation]:
    places = (
        f"intake/patients/{patient_id}",
        f"intake/patients/{patient_id}/plan-state",
        f"scheduling/patients/{patient_id}/attendances",
    )
    answers = await asyncio.gather(*(network.query(place, role="counsellor", site=site) for place in places))
    return [
        Violation("site", f"{site} is shown {place}")
        for place, answer in zip(places, answers, strict=True)
        if answer.is_success and answer.json().get("items", True)
    ]
