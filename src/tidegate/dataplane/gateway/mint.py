"""Prediction ids (UUIDv7). Chance comes from the system, so that nobody can guess another's id and label it."""

import os

AT_ONCE = 512
_BYTES = 10
_VERSION = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))


class Mint:
    """Mints ids. The chance for many is fetched at once, with version and variant in place already."""

    def __init__(self) -> None:
        self._chance = b""
        self._at = 0

    def one(self, unix_ns: int) -> bytes:
        """The 16 bytes of a new id that carries this time."""
        at = self._at
        if at >= len(self._chance):
            self._refill()
            at = 0
        self._at = at + _BYTES
        return (unix_ns // 1_000_000).to_bytes(6, "big") + self._chance[at : at + _BYTES]

    def _refill(self) -> None:
        chance = bytearray(os.urandom(_BYTES * AT_ONCE))
        chance[0::_BYTES] = chance[0::_BYTES].translate(_VERSION)
        chance[2::_BYTES] = chance[2::_BYTES].translate(_VARIANT)
        self._chance = bytes(chance)
