"""A version as what came of some data: what it is now, its releases, what it has answered."""

import msgspec

SERVES, KEPT, HELD, PAST, NEVER = "serves", "kept", "held", "past", "never served"
"""What a version is now. One that is held and still answers requests SERVES; one that is kept warm is KEPT."""


class Served(msgspec.Struct, frozen=True):
    """What a version has answered, as far as the log reaches."""

    requests: int = 0
    rows: int = 0
    first: float = 0.0
    """Unix seconds of the first and the last; 0: none."""
    last: float = 0.0


class Release(msgspec.Struct, frozen=True):
    """One release of a version."""

    id: str
    at: float
    strategy: str
    outcome: str
    """Its phase, where it has not ended."""


class Descendant(msgspec.Struct, frozen=True):
    """A version that came from the snapshot."""

    endpoint: str
    version: str
    digest: str
    model: str
    roles: tuple[str, ...]
    """What the data was to it: training, validation, test."""
    state: str
    held: bool
    releases: tuple[Release, ...]
    served: Served
