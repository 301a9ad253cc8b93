"""The policies that this program ships, read once and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.scheduling import counting, gates
from services.scheduling.activities import ActivityPolicy
from services.scheduling.counting import CountingPolicy
from services.scheduling.gates import BookingPolicy
from shared.failures import Invalid

FOLDER = Path(__file__).parent / "policies"


class CountingPolicyUnknown(Invalid):
    """There is no counting policy of this name."""


class PolicyDataError(Exception):
    """A policy file contradicts itself or its name."""


@dataclass(frozen=True)
class Catalogue:
    """All policies of scheduling; counting policies by id, the newest version of each."""

    activities: ActivityPolicy
    booking: BookingPolicy
    counting: Mapping[str, CountingPolicy]

    def counting_policy(self, policy_id: str) -> CountingPolicy:
        """The policy of this name. Raises CountingPolicyUnknown."""
        if policy_id not in self.counting:
            raise CountingPolicyUnknown(field="counting_policy", policies=sorted(self.counting))
        return self.counting[policy_id]


def read[T](kind: type[T], path: Path) -> T:
    """One YAML file as `kind`; a missing, unknown or ill-typed entry is an error that names the place in the file."""
    return TypeAdapter(kind).validate_python(yaml.safe_load(path.read_text("utf-8")), extra="forbid")


@cache
def catalogue(folder: Path = FOLDER) -> Catalogue:
    """Everything in `folder`. Raises when a file contradicts itself or its name: better no start than wrong hours."""
    counted: dict[str, CountingPolicy] = {}
    for path in sorted(folder.glob("counting-*.yaml")):
        policy = counting.checked(read(CountingPolicy, path))
        if path.name != f"counting-{policy.id}.v{policy.version}.yaml":
            raise PolicyDataError(f"{path.name} holds {policy.id} version {policy.version}")
        if policy.id not in counted or counted[policy.id].version < policy.version:
            counted[policy.id] = policy
    activities = read(ActivityPolicy, folder / "activities.v1.yaml")
    if len(activities.by_kind) != len(activities.activities):
        raise PolicyDataError("activities.v1.yaml names a kind twice")
    return Catalogue(activities, gates.checked(read(BookingPolicy, folder / "booking.v1.yaml")), counted)
