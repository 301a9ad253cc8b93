"""A lane is one sixteenth of a service's log and one partition of its topic: the patient decides which."""

from struct import unpack_from
from typing import Final

LANES: Final = 16

_M: Final = 0x5BD1E995
_SEED: Final = 0x9747B28C
_WORD: Final = 0xFFFFFFFF


def lane_of(key: str) -> int:
    """The lane of a lane key (a patient's id, or the subject's own): the partition that Kafka's Java client would choose."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % LANES


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, as an unsigned number."""
    length = len(data)
    words = length >> 2
    result = _SEED ^ length
    for word in unpack_from(f"<{words}I", data):
        k = (word * _M) & _WORD
        result = ((result * _M) ^ ((k ^ (k >> 24)) * _M)) & _WORD
    if rest := data[words << 2 :]:
        result = ((result ^ int.from_bytes(rest, "little")) * _M) & _WORD
    result = ((result ^ (result >> 13)) * _M) & _WORD
    return result ^ (result >> 15)
