"""Each patient's personal fields are sealed with a key of their own; destroying it erases them wherever they were copied."""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.database import Pool, Record
from shared.failures import Failure

FORGET_SECONDS: Final = 60.0
REMEMBERED_KEYS_MAX: Final = 50_000
_NONCE_BYTES: Final = 12
SEAL_BYTES: Final = _NONCE_BYTES + 16  # so much longer is what was sealed: the nonce, and AES-GCM's tag
_KEY_BYTES: Final = 32

_SELECT: Final = "select key_id, wrapped, wrapped_by from keyring.data_key where key_id = any($1)"
_INSERT: Final = """
insert into keyring.data_key (key_id, wrapped, wrapped_by) select k, w, $3::text from unnest($1::text[], $2::bytea[]) as new (k, w)
order by k on conflict do nothing
"""
# The row is made when there was none: whoever is erased before anything was sealed stays erased too.
_DESTROY: Final = """
insert into keyring.data_key as d (key_id, destroyed_at) values ($1, clock_timestamp())
on conflict (key_id) do update set wrapped = null, wrapped_by = null, destroyed_at = clock_timestamp()
where d.destroyed_at is null
"""


class SealBroken(Failure):
    """Sealed bytes do not belong to this event, or were changed."""


class KeyMissing(Failure):
    """The keyring does not hold the key of something sealed: it is not the keyring that sealed it, or lost it."""


@dataclass(frozen=True)
class SiteKeys:
    """What the site keys file holds: the keys that wrap, the first for new ones, and the key of the blind indexes."""

    wrapping: Mapping[str, bytes]
    blinding: bytes

    @property
    def newest(self) -> str:
        """The id of the key that wraps new ones."""
        return next(iter(self.wrapping))

    @classmethod
    def read(cls, path: Path) -> "SiteKeys":
        """Read the file: `{"wrapping": {"<id>": "<hexadecimal>", …}, "blinding": "<hexadecimal>"}`, 32 bytes each."""
        held = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            {name: bytes.fromhex(key) for name, key in held["wrapping"].items()}, bytes.fromhex(held["blinding"])
        )

    @staticmethod
    def write_new(path: Path) -> None:
        """Make the keys; an existing file is never replaced."""
        held = {"wrapping": {"1": os.urandom(_KEY_BYTES).hex()}, "blinding": os.urandom(_KEY_BYTES).hex()}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(held, file)


@dataclass(frozen=True, slots=True)
class ToSeal:
    """The personal fields of one event."""

    key_id: str
    event_id: UUID
    plaintext: bytes


class Keyring:
    """Seals and opens; remembers a key for at most FORGET_SECONDS, so that an erasure is complete soon after."""

    def __init__(self, pool: Pool, keys: SiteKeys) -> None:
        """`pool` reaches the keyring database, which is not the service's."""
        self._pool, self._keys = pool, keys
        self._wraps = {name: AESGCM(key) for name, key in keys.wrapping.items()}
        self._held: dict[str, tuple[float, AESGCM | None]] = {}

    async def seal_all(self, wanted: Sequence[ToSeal]) -> list[bytes | None]:
        """Nonce and ciphertext, bound to the event; makes the keys that are missing. None where the key was destroyed."""
        keys = await self._keys_of({one.key_id for one in wanted}, make=True)
        return [_seal(key, one) if (key := keys[one.key_id]) else None for one in wanted]

    async def open(self, key_id: str, event_id: UUID, sealed: bytes) -> bytes | None:
        """What was sealed, None when the key was destroyed. Raises SealBroken and KeyMissing."""
        keys = await self._keys_of({key_id}, make=False)
        if key_id not in keys:
            raise KeyMissing(str(event_id))
        key = keys[key_id]
        if key is None:
            return None
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], event_id.bytes)
        except InvalidTag as error:
            raise SealBroken(str(event_id)) from error

    async def destroy(self, key_id: str) -> bool:
        """Erase whoever the key belongs to, for good; False when that was done before."""
        done = await self._pool.execute(_DESTROY, key_id)
        self._held.pop(key_id, None)
        return bool(done == "INSERT 0 1")

    def blind_index(self, value: str) -> str:
        """A keyed hash by which equal values are found without being read: hexadecimal HMAC-SHA256."""
        return hmac.new(self._keys.blinding, value.encode(), hashlib.sha256).hexdigest()

    async def _keys_of(self, key_ids: Collection[str], *, make: bool) -> dict[str, AESGCM | None]:
        """The keys that there are, None for a destroyed one; with `make`, all of them."""
        now = time.monotonic()
        held = {one: found[1] for one in key_ids if (found := self._held.get(one)) and now < found[0]}
        if absent := [one for one in key_ids if one not in held]:
            rows = await self._pool.fetch(_SELECT, absent)
            if make and (new := set(absent) - {row["key_id"] for row in rows}):
                # Another process may make one of them at the same moment: what the table holds afterwards counts.
                await self._pool.execute(_INSERT, list(new), [self._new_key(one) for one in new], self._keys.newest)
                rows = await self._pool.fetch(_SELECT, absent)
            held |= {row["key_id"]: self._remembered(row, now + FORGET_SECONDS) for row in rows}
        return held

    def _remembered(self, row: Record, until: float) -> AESGCM | None:
        key = self._unwrapped(row) if row["wrapped"] is not None else None
        self._held.pop(row["key_id"], None)
        if len(self._held) >= REMEMBERED_KEYS_MAX:
            del self._held[next(iter(self._held))]
        self._held[row["key_id"]] = (until, key)
        return key

    def _unwrapped(self, row: Record) -> AESGCM:
        nonce, wrapped = row["wrapped"][:_NONCE_BYTES], row["wrapped"][_NONCE_BYTES:]
        try:
            return AESGCM(self._wraps[row["wrapped_by"]].decrypt(nonce, wrapped, row["key_id"].encode()))
        except (KeyError, InvalidTag) as error:
            raise KeyMissing(f"wrapping key {row['wrapped_by']}") from error

    def _new_key(self, key_id: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._wraps[self._keys.newest].encrypt(nonce, AESGCM.generate_key(256), key_id.encode())


def _seal(key: AESGCM, one: ToSeal) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, one.plaintext, one.event_id.bytes)
