"""How inputs and predictions stood in the windows that were looked at last, for dashboards and other monitors: drifted.json.

The monitor writes it (`drift.telling`) whenever a window was looked at; `exposition` reads it. Few enough columns of each
endpoint are in it that a model with a thousand of them can be scraped. Whether anything is wrong is said by alarms, and not here.
"""

import contextlib

import msgspec

from tidegate.core.vocabulary import home, placing


class Measure(msgspec.Struct, frozen=True, array_like=True):
    """By how much a column has moved, by one effect."""

    column: str
    effect: str
    size: float
    low: float
    """At least so much; 0 where it is within what is normal."""


class Shares(msgspec.Struct, frozen=True, array_like=True):
    """Of a column's entries."""

    column: str
    nulls: float
    new: float
    broken: float


class Look(msgspec.Struct, frozen=True):
    """What came of one way of looking."""

    kind: str
    """drift or quality."""
    reference: str
    """season, training or lasting."""
    until: int
    """The end of the window, Unix seconds."""
    columns: int
    """That were looked at."""
    moved: int
    effects: tuple[Measure, ...] = ()
    shares: tuple[Shares, ...] = ()


class Summary(msgspec.Struct, frozen=True):
    """One endpoint's."""

    version: str
    """The one that owns it."""
    looks: tuple[Look, ...] = ()
    odd: float = -1.0
    """Share of the inputs that are odd; -1: not known."""


_decode = msgspec.json.Decoder(dict[str, Summary]).decode


def write(place: home.Home, told: dict[str, Summary]) -> None:
    """Have it be this, by endpoint. Raises OSError."""
    placing.put(place.drifted, msgspec.json.encode(told))


def read(place: home.Home) -> dict[str, Summary]:
    """By endpoint; nothing while no window has been looked at."""
    with contextlib.suppress(OSError, ValueError):
        return _decode(place.drifted.read_bytes())
    return {}
