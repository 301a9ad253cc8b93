"""Who is calling: a bearer token is checked against the issuer's published keys, and remembered for a short while."""

import re
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import jwt
import structlog

from shared.access import EVERY_SITE, Caller, Purpose, Role
from shared.failures import Unauthenticated
from shared.settings import Settings

log = structlog.get_logger()

ALGORITHMS: Final = ("EdDSA", "ES256")
TOKEN_BYTES_MAX: Final = 8192
SITES_MAX: Final = 200
KEYS_SECONDS_MIN: Final = 5.0
KEYS_SECONDS_MAX: Final = 30.0
_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")
_SITE = re.compile(r"[a-z][a-z0-9-]{1,39}")


class Verifier:
    """Checks signature, issuer, audience and time; remembers at most `jwt_cached_tokens_max` tokens.

    The keys are read again every 30 s, or when a token names one we have not seen; a remembered token is checked again
    after `jwt_cached_seconds_max`. So a withdrawn key is out within the sum of both, 90 s by default.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the keys. Raises when there are none, or no issuer or audience: then nobody could be let in."""
        if not settings.jwt_issuer or not settings.jwt_audience:
            raise ValueError("EVENKEEL_JWT_ISSUER and EVENKEEL_JWT_AUDIENCE say whose tokens count; both are needed")
        self._settings = settings
        self._callers: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._keys = _keys_in(settings.jwt_jwks_file)
        self._keys_read_at = time.monotonic()

    def caller(self, authorization: bytes | None) -> Caller:
        """The caller behind an Authorization header. Raises Unauthenticated."""
        if authorization is None:
            raise Unauthenticated(field="Authorization")
        now = time.time()
        known = self._callers.get(authorization)
        if known is not None and now < known[1]:
            return known[0]
        caller, until = self._checked(authorization)
        self._callers[authorization] = caller, min(until, now + self._settings.jwt_cached_seconds_max)
        self._callers.move_to_end(authorization)
        while len(self._callers) > self._settings.jwt_cached_tokens_max:
            self._callers.popitem(last=False)
        return caller

    def _checked(self, authorization: bytes) -> tuple[Caller, float]:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not 0 < len(token) <= TOKEN_BYTES_MAX:
            raise Unauthenticated("Authorization is not a bearer token", field="Authorization")
        try:
            claims = self._claims(token)
            return _caller_of(claims), float(claims["exp"]) + self._settings.jwt_leeway_seconds
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired", field="Authorization") from error
        except (jwt.PyJWTError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            raise Unauthenticated("The token is not valid here", field="Authorization") from error

    def _claims(self, token: bytes) -> dict[str, Any]:
        kid = str(jwt.get_unverified_header(token).get("kid", ""))
        age = time.monotonic() - self._keys_read_at
        if age > KEYS_SECONDS_MAX or (kid not in self._keys and age > KEYS_SECONDS_MIN):
            self._read_keys()
        key = self._keys[kid]
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._settings.jwt_audience,
            issuer=self._settings.jwt_issuer,
            leeway=self._settings.jwt_leeway_seconds,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _read_keys(self) -> None:
        """Take the keys as they are published now; while they cannot be read, the ones we have go on."""
        self._keys_read_at = time.monotonic()
        try:
            self._keys = _keys_in(self._settings.jwt_jwks_file)
        except (OSError, ValueError, jwt.PyJWTError):
            log.exception("keys.unreadable")


def _keys_in(file: Path) -> dict[str, jwt.PyJWK]:
    """Key id to key. Raises when the file is missing, or holds a key of another kind than ours."""
    keys = {str(key.key_id): key for key in jwt.PyJWKSet.from_json(file.read_text()).keys}
    if strange := sorted({key.algorithm_name for key in keys.values()} - set(ALGORITHMS)):
        raise ValueError(f"{file} holds keys for {', '.join(strange)}; only {', '.join(ALGORITHMS)} are accepted")
    return keys


def _caller_of(claims: dict[str, Any]) -> Caller:
    """Raises ValueError, TypeError or LookupError when a claim is missing or odd. Roles that are not ours are ignored."""
    subject, sites = claims["sub"], frozenset(claims["sites"])
    if not _SUBJECT.fullmatch(subject) or len(sites) > SITES_MAX:
        raise ValueError
    if not all(site == EVERY_SITE or _SITE.fullmatch(site) for site in sites):
        raise ValueError
    roles = frozenset(role for role in Role if role in claims["roles"])
    return Caller(subject, roles, sites, Purpose(claims["purpose"]))
