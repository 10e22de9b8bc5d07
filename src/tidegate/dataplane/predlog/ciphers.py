"""Values in the log that only who has the key can read: AES-256-GCM, under a key of each record's own.

    aesgcm:<key id, 8 hexadecimal digits>:<base64 of 12 bytes nonce and the ciphertext with its tag>

The record's key is HMAC-SHA256(key, "tidegate.record" + prediction id), so that random nonces cannot meet however much is logged
(NIST SP 800-38D bounds what one key may encrypt with random nonces to 2^32 values; a record has at most some thousand). What is
encrypted is bound to its record and column: moved elsewhere it opens no more. Needs the extra `encrypt`.
Called by the recorder (encrypt) and the reader (decrypt).
"""

import base64
import binascii
import functools
import hashlib
import hmac
import importlib
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tidegate.core.vocabulary import errors

PREFIX = "aesgcm:"
BODY = "input"
"""What a whole body is bound to, where a column's value is bound to the column's name."""
_KEY_BYTES, _NONCE_BYTES = 32, 12
_CURE = "Write 32 random bytes in hexadecimal or base64: `openssl rand -hex 32`."


class Key:
    """One key, for one process. Not thread-safe."""

    def __init__(self, secret: bytes) -> None:
        """Of 32 bytes. Raises ExtraMissing, and LogKeyInvalid for another length."""
        if len(secret) != _KEY_BYTES:
            raise errors.LogKeyInvalid(f"a key has {_KEY_BYTES} bytes, and this one has {len(secret)}.", cure=_CURE)
        _cipher()
        self._secret = secret
        self.id = hashlib.sha256(b"tidegate.key" + secret).hexdigest()[:8]
        self._last: tuple[bytes, Any] = (b"", None)

    def encrypt(self, record: bytes, column: str, data: bytes) -> str:
        """Data of a column of the record of this prediction id, encrypted."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = nonce + self._of(record).encrypt(nonce, data, column.encode())
        return f"{PREFIX}{self.id}:{base64.b64encode(encrypted).decode()}"

    def decrypt(self, record: bytes, column: str, text: str) -> bytes:
        """What was encrypted. Raises LogKeyWrong where that was with another key, or for another place."""
        try:
            raw = base64.b64decode(text.rpartition(":")[2], validate=True)
            opened: bytes = self._of(record).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], column.encode())
        except (binascii.Error, ValueError, _cipher().tag) as wrong:
            raise errors.LogKeyWrong(
                f"the value of {column} does not open with the key {self.id}: it is damaged, or was moved."
            ) from wrong
        return opened

    def _of(self, record: bytes) -> Any:
        """The record's own cipher; the last one is kept, since a record has several columns."""
        if self._last[0] != record:
            derived = hmac.digest(self._secret, b"tidegate.record" + record, "sha256")
            self._last = (record, _cipher().make(derived))
        return self._last[1]


class Ring:
    """The keys of one endpoint, the one that encrypts first."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.id: key for key in keys}
        self.first = keys[0] if keys else None

    def decrypt(self, record: bytes, column: str, text: str) -> bytes | None:
        """What was encrypted; None where there is no key at all. Raises LogKeyWrong where it was another than these."""
        if not self._keys:
            return None
        wanted = text.removeprefix(PREFIX).partition(":")[0]
        key = self._keys.get(wanted)
        if key is None:
            raise errors.LogKeyWrong(f"this was encrypted with the key {wanted}, and what is here is {', '.join(self._keys)}.")
        return key.decrypt(record, column, text)


def ring(where: str) -> Ring:
    """The keys at env:NAME or file:PATH, one a line; none where nothing is there. Raises LogKeyInvalid, ExtraMissing."""
    return Ring([Key(_decoded(one, where)) for one in _looked_up(where).split()])


def _looked_up(where: str) -> str:
    kind, _, name = where.partition(":")
    if kind == "env":
        return os.environ.get(name, "")
    try:
        return pathlib.Path(name).expanduser().read_text() if kind == "file" else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _decoded(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text) if len(text) == 2 * _KEY_BYTES else base64.b64decode(text, validate=True)
    except ValueError as wrong:
        raise errors.LogKeyInvalid(f"what {where} holds is no key.", cure=_CURE) from wrong


class _Cipher:
    """The library, loaded when it is needed."""

    def __init__(self, make: Any, tag: type[Exception]) -> None:
        self.make, self.tag = make, tag


@functools.cache
def _cipher() -> _Cipher:
    try:
        tag = importlib.import_module("cryptography.exceptions").InvalidTag
        make = importlib.import_module("cryptography.hazmat.primitives.ciphers.aead").AESGCM
    except ImportError as missing:
        words = "encrypting the log needs the package cryptography."
        raise errors.ExtraMissing(words, cure="pip install 'tidegate[encrypt]'") from missing
    return _Cipher(make, tag)
