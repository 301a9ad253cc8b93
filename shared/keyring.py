"""Each patient's personal fields are sealed with a key of their own; destroying it erases them wherever they were copied."""

import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.database import Pool
from shared.failures import Failure

FORGET_SECONDS: Final = 60.0
REMEMBERED_KEYS_MAX: Final = 50_000
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32

_INSERT: Final = "insert into keyring.data_key (key_id, wrapped) values ($1, $2) on conflict do nothing"
_SELECT: Final = "select wrapped from keyring.data_key where key_id = $1"
_DESTROY: Final = """
update keyring.data_key set wrapped = null, destroyed_at = clock_timestamp() where key_id = $1 and destroyed_at is null
"""


class SealBroken(Failure):
    """Sealed bytes do not belong to this event, or were changed."""


@dataclass(frozen=True)
class SiteKeys:
    """What the site keys file holds: the key that wraps, and the key of the blind indexes; 32 bytes each."""

    wrapping: bytes
    blinding: bytes

    @classmethod
    def read(cls, path: Path) -> "SiteKeys":
        """Read the file: JSON with `wrapping` and `blinding` in hexadecimal."""
        held = json.loads(path.read_text())
        return cls(bytes.fromhex(held["wrapping"]), bytes.fromhex(held["blinding"]))

    @staticmethod
    def write_new(path: Path) -> None:
        """Make both keys; an existing file is never replaced."""
        held = {"wrapping": os.urandom(_KEY_BYTES).hex(), "blinding": os.urandom(_KEY_BYTES).hex()}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(held, file)


class Keyring:
    """Seals and opens; remembers a key for at most FORGET_SECONDS, so that an erasure is complete soon after."""

    def __init__(self, pool: Pool, keys: SiteKeys) -> None:
        """`pool` reaches the keyring database, which is not the service's."""
        self._pool, self._keys = pool, keys
        self._wrap = AESGCM(keys.wrapping)
        self._held: dict[str, tuple[float, AESGCM | None]] = {}

    async def seal(self, key_id: str, event_id: UUID, plaintext: bytes) -> bytes | None:
        """Nonce and ciphertext, bound to the event; makes the key when there is none. None when the key was destroyed."""
        key = await self._key(key_id, make=True)
        if key is None:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + key.encrypt(nonce, plaintext, event_id.bytes)

    async def open(self, key_id: str, event_id: UUID, sealed: bytes) -> bytes | None:
        """What was sealed, None when the key was destroyed. Raises SealBroken."""
        key = await self._key(key_id, make=False)
        if key is None:
            return None
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], event_id.bytes)
        except InvalidTag as error:
            raise SealBroken(str(event_id)) from error

    async def destroy(self, key_id: str) -> bool:
        """Erase whoever the key belongs to, for good; False when there was nothing left to destroy."""
        done = await self._pool.execute(_DESTROY, key_id)
        self._held.pop(key_id, None)
        return bool(done == "UPDATE 1")

    def blind_index(self, value: str) -> str:
        """A keyed hash by which equal values are found without being read: hexadecimal HMAC-SHA256."""
        return hmac.new(self._keys.blinding, value.encode(), hashlib.sha256).hexdigest()

    async def _key(self, key_id: str, *, make: bool) -> AESGCM | None:
        until, held = self._held.get(key_id, (0.0, None))
        if time.monotonic() < until:
            return held
        wrapped = await self._pool.fetchrow(_SELECT, key_id)
        if wrapped is None and make:
            nonce = os.urandom(_NONCE_BYTES)
            made = self._wrap.encrypt(nonce, AESGCM.generate_key(256), key_id.encode())
            await self._pool.execute(_INSERT, key_id, nonce + made)
            wrapped = await self._pool.fetchrow(_SELECT, key_id)
        if wrapped is None:
            return None
        secret = wrapped["wrapped"]
        key = (
            AESGCM(self._wrap.decrypt(secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], key_id.encode()))
            if secret
            else None
        )
        if len(self._held) >= REMEMBERED_KEYS_MAX:
            self._held.clear()
        self._held[key_id] = (time.monotonic() + FORGET_SECONDS, key)
        return key
