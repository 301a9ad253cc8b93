"""Our lanes are the partitions that every other Kafka client would choose."""

import json
from pathlib import Path

from shared.lanes import LANES, lane_of, murmur2

# [murmur2 as Java's signed int, partition of 16] by key, computed with `Utils.murmur2` and `BuiltInPartitioner` of
# kafka-clients 4.1.0: patients' ids, and texts of every length and of several scripts.
VECTORS: dict[str, tuple[int, int]] = json.loads(
    Path(__file__).with_name("murmur2_vectors.json").read_text(encoding="utf-8")
)


def test_a_thousand_keys_hash_as_in_kafkas_java_client() -> None:
    """T24."""
    assert len(VECTORS) == 1000
    assert {key: as_java(murmur2(key.encode())) for key in VECTORS} == {key: one[0] for key, one in VECTORS.items()}


def test_a_thousand_keys_go_to_the_partitions_of_kafkas_java_client() -> None:
    """T24."""
    assert {key: lane_of(key) for key in VECTORS} == {key: one[1] for key, one in VECTORS.items()}


def test_patients_spread_over_all_lanes() -> None:
    assert {lane_of(key) for key in VECTORS} == set(range(LANES))


def as_java(unsigned: int) -> int:
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
