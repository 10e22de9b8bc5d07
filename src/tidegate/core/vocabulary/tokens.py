"""Tokens: who may do what. Only hashes are kept; a token itself is shown once, when it is made."""

import hashlib

import msgspec

SCOPES = ("predict", "feedback", "read", "operate", "approve", "admin")
"""admin holds them all."""
NOBODY = "0" * 64
"""The hash of no token: a list of those that may predict holds it where nobody may, since an empty one means everybody."""


class Token(msgspec.Struct, frozen=True):
    """One token, by its hash."""

    name: str
    """Unique; what logs and limits say instead of the token."""
    sha256: str
    scopes: tuple[str, ...]
    endpoints: tuple[str, ...] = ()
    """Those it is good for; empty: all."""
    rate: float = 0.0
    """Predictions a second, over all gateways; 0: the endpoint's own limit."""
    daily: int = 0
    """Predictions a day (UTC); 0: the endpoint's own limit."""

    def may(self, scope: str, endpoint: str = "") -> bool:
        """Whether it holds this scope, for this endpoint."""
        return (scope in self.scopes or "admin" in self.scopes) and (not self.endpoints or endpoint in self.endpoints)


def digest(token: bytes) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token).hexdigest()
