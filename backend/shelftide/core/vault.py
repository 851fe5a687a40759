"""Secrets at rest: envelope encryption with AES-256-GCM.

    master key -> wraps a holder's key (a tenant's, an agency's) -> wraps a data key per secret -> seals the secret

Associated data binds a sealed secret to its place: moved to another row it does not open. Erasing a tenant's key
erases all its secrets, also in backups. Only this module decrypts.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shelftide.core.errors import SetupError

_FORMAT = b"\x01"
_NONCE = 12
_KEY = 32
_TAG = 16


class VaultError(Exception):
    """A secret does not open: wrong place, wrong key, or altered."""


class Secret:
    """A secret in memory. It does not print, pickle or encode; `reveal()` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, at the place of use and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not leave the process")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        raise TypeError("a secret is not a key")


class WrappedKey(msgspec.Struct, frozen=True):
    """A holder's key as stored: which master key wraps it, and the wrapped bytes."""

    master_id: str
    wrapped: bytes


class MasterKeys(msgspec.Struct, frozen=True):
    """Master keys by id. The current one wraps; older ones still open, so that keys can be rotated while reading."""

    current: str
    keys: dict[str, bytes]

    def __repr__(self) -> str:
        return f"MasterKeys(current={self.current!r}, ids={sorted(self.keys)})"


def _seal(key: bytes, plain: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, place)


def _open(key: bytes, sealed: bytes, place: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
    except (InvalidTag, ValueError) as error:
        raise VaultError("the secret does not open here") from error


class Vault:
    """Seals and opens. Holds master keys only; holders' keys are passed in wrapped."""

    def __init__(self, master: MasterKeys) -> None:
        self._master = master

    def new_key(self, holder_id: str) -> WrappedKey:
        """A fresh key for a tenant or an agency."""
        return self._wrap(secrets.token_bytes(_KEY), holder_id)

    def rewrap(self, key: WrappedKey, holder_id: str) -> WrappedKey:
        """The same key under the current master key."""
        return self._wrap(self._unwrap(key, holder_id), holder_id)

    def seal(self, key: WrappedKey, holder_id: str, place: str, text: str) -> bytes:
        """Seal `text` for `place` (tenant | connection | kind | version)."""
        data_key = secrets.token_bytes(_KEY)
        bound = f"{holder_id}|{place}".encode()
        wrapped = _seal(self._unwrap(key, holder_id), data_key, bound)
        return _FORMAT + wrapped + _seal(data_key, text.encode(), bound)

    def open(self, key: WrappedKey, holder_id: str, place: str, sealed: bytes) -> Secret:
        """Open what was sealed for exactly this place. Raises VaultError."""
        if sealed[:1] != _FORMAT:
            raise VaultError("unknown format of a sealed secret")
        bound = f"{holder_id}|{place}".encode()
        cut = 1 + _NONCE + _KEY + _TAG
        data_key = _open(self._unwrap(key, holder_id), sealed[1:cut], bound)
        return Secret(_open(data_key, sealed[cut:], bound).decode())

    def pseudonym_key(self, key: WrappedKey, holder_id: str) -> bytes:
        """The key that makes a tenant's customers pseudonymous (HMAC-SHA256); it dies with the tenant's key."""
        return hmac.new(self._unwrap(key, holder_id), b"customer-key", hashlib.sha256).digest()

    def _wrap(self, key: bytes, holder_id: str) -> WrappedKey:
        master = self._master.keys[self._master.current]
        return WrappedKey(self._master.current, _seal(master, key, holder_id.encode()))

    def _unwrap(self, key: WrappedKey, holder_id: str) -> bytes:
        if key.master_id not in self._master.keys:
            raise VaultError(f"the master key {key.master_id!r} is not there")
        return _open(self._master.keys[key.master_id], key.wrapped, holder_id.encode())


def read_master_keys(path: Path) -> MasterKeys:
    """Master keys from a 0600 file; made on first use.

    Raises:
        SetupError: the file is open to others, or not in the expected form.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = {"current": "k1", "keys": {"k1": base64.b64encode(os.urandom(_KEY)).decode()}}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(fresh, file)
    if path.stat().st_mode & 0o077:
        raise SetupError(f"The key file {path} can be read by others.", hint=f"chmod 600 {path}")
    try:
        stored = json.loads(path.read_text())
        keys = {name: base64.b64decode(text, validate=True) for name, text in stored["keys"].items()}
        master = MasterKeys(stored["current"], keys)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(f"The key file {path} is damaged.", hint="Restore it from your backup.") from error
    if master.current not in keys or any(len(key) != _KEY for key in keys.values()):
        raise SetupError(f"The key file {path} is damaged.", hint="Restore it from your backup.")
    return master
