"""Signs tokens for a local instance; anywhere else an identity provider does."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ISSUER: Final = "evenkeel-local"
AUDIENCE: Final = "evenkeel"
KEY_ID: Final = "local-1"
TOKEN_HOURS_MAX: Final = 24 * 30


def new_keys() -> tuple[str, str]:
    """A private key as PEM, and the key set that verifies it as JSON."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x}
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, json.dumps({"keys": [jwk]})


def sign(pem: bytes, subject: str, roles: list[str], sites: list[str], *, purpose: str, hours: float) -> str:
    """A bearer token, good for at most TOKEN_HOURS_MAX."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    now = datetime.now(UTC)
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "roles": roles,
        "sites": sites,
        "purpose": purpose,
        "iat": now,
        "exp": now + timedelta(hours=min(hours, TOKEN_HOURS_MAX)),
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KEY_ID})
