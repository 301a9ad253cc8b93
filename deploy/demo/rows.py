"""The lists that the services show, row by row against the events: nothing missing, nothing twice, nothing else."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from deploy.demo.client import Network
from deploy.demo.reference_rows import Rows, attendances, doses, orders


class List(NamedTuple):
    """One list of a patient's: where it is, what names a row, and what the events say."""

    what: str
    place: str
    name: str
    wanted: Callable[[Sequence[tuple[str, str, dict[str, Any]]]], Rows]


LISTS: Final = (
    List("attendance", "scheduling/patients/{}/attendances", "attendance_id", attendances),
    List("dose", "medication/doses?patient_id={}", "dose_id", doses),
    List("order", "medication/orders?patient_id={}", "order_id", orders),
)


async def row_differences(
    network: Network, patient_id: str, site: str, events: Sequence[tuple[str, str, dict[str, Any]]]
) -> list[str]:
    """Every difference of one patient, each as a sentence."""
    found = await asyncio.gather(
        *(network.rows(one.place.format(patient_id), role="counsellor", site=site) for one in LISTS)
    )
    return [
        difference
        for one, shown in zip(LISTS, found, strict=True)
        for difference in _differences(one, one.wanted(events), shown)
    ]


def _differences(one: List, wanted: Rows, shown: Sequence[Mapping[str, Any]]) -> list[str]:
    known = {row[one.name]: row for row in shown}
    said = [f"{one.what} {name} is shown, no event says so" for name in sorted(known.keys() - wanted.keys())]
    if len(known) != len(shown):
        said.append(f"{one.what}s are listed twice: {len(shown)} rows, {len(known)} of them different")
    for name, row in wanted.items():
        seen = known.get(name)
        if seen is None:
            said.append(f"{one.what} {name} is not shown")
            continue
        said += [
            f"{one.what} {name}: {column} is {seen[column]!r}, the events say {value!r}"
            for column, value in row.items()
            if seen[column] != value
        ]
    return said
