"""The key that signs checkpoints, one per instance; whoever holds the public part can check a record without us."""

import base64
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


def new_private() -> str:
    """A new key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_of(private: Path) -> str:
    """The public part of the key in this file, as PEM."""
    key = read_private(private).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_private(path: Path) -> Ed25519PrivateKey:
    """The key that signs. Raises FileNotFoundError and ValueError."""
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is no Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type in the program
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """The key that checks. Raises FileNotFoundError and ValueError."""
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} is no Ed25519 key")  # noqa: TRY004 - same
    return key


def signature_of(key: Ed25519PrivateKey, content: bytes) -> str:
    """Of these bytes, in base 64."""
    return base64.b64encode(key.sign(content)).decode()


def is_signed(key: Ed25519PublicKey, content: bytes, signature: str) -> bool:
    """Whether the holder of the private part has signed exactly these bytes."""
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        return False
    return True
