"""A lane is one sixteenth of a service's log and one partition of its topic: the patient decides which."""

LANES = 16

_M = 0x5BD1E995
_SEED = 0x9747B28C
_WORD = 0xFFFFFFFF


def lane_of(key: str) -> int:
    """The lane of a lane key (a patient's id, or the subject's own): the partition that Kafka's Java client would choose."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % LANES


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, as an unsigned number."""
    length = len(data)
    result = (_SEED ^ length) & _WORD
    whole = length & ~3
    for start in range(0, whole, 4):
        k = (int.from_bytes(data[start : start + 4], "little") * _M) & _WORD
        k = ((k ^ (k >> 24)) * _M) & _WORD
        result = ((result * _M) & _WORD) ^ k
    if rest := data[whole:]:
        result = ((result ^ int.from_bytes(rest, "little")) * _M) & _WORD
    result = ((result ^ (result >> 13)) * _M) & _WORD
    return result ^ (result >> 15)
