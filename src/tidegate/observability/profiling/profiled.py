"""Profiles as they were counted, read from the catalogue: how columns are told apart, and what each hour was.

Called by the watches of drift and by `hourly`, which counts.
"""

import math
import sqlite3
from collections.abc import Sequence

import msgspec

from tidegate.core.stats import stacks
from tidegate.core.vocabulary import profiles
from tidegate.dataplane.predlog import catalogue


class _Listed(msgspec.Struct):
    """`profiles.Column` as it is decoded in the least time."""

    counts: list[int]
    nulls: int = 0
    broken: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf


class _Seen(msgspec.Struct):
    """`profiles.Profile` likewise."""

    rows: int = 0
    columns: dict[str, _Listed] = {}


class _Rows(msgspec.Struct):
    """Of a profile only how many there are."""

    rows: int = 0


profile = msgspec.msgpack.Decoder(profiles.Profile).decode
"""The profile that is stored so."""
_frame = msgspec.msgpack.Decoder(profiles.Frame).decode
_rows = msgspec.msgpack.Decoder(_Rows).decode
_seen = msgspec.msgpack.Decoder(_Seen).decode


def known(connection: sqlite3.Connection) -> bool:
    """Whether the catalogue has profiles: one from before there were any has not."""
    return catalogue.has(connection, "profile")


def frames(connection: sqlite3.Connection, endpoint: str) -> dict[str, profiles.Frame]:
    """The frames of an endpoint's columns, by name; none before enough was seen."""
    told = connection.execute("SELECT told FROM frame WHERE endpoint = ?", (endpoint,))
    return {one.name: one for one in (_frame(packed) for (packed,) in told)}


def hours(connection: sqlite3.Connection, endpoint: str, since: int, until: int) -> list[tuple[int, int, profiles.Profile]]:
    """(version, hour, profile) of the hours that begin in this time (Unix seconds), in order of hour and version."""
    return [(version, hour, profile(packed)) for version, hour, packed in stored(connection, endpoint, since, until)]


def stored(connection: sqlite3.Connection, endpoint: str, since: int, until: int) -> list[tuple[int, int, bytes]]:
    """The same as (version, hour, what is stored of it)."""
    return connection.execute(
        "SELECT version, hour, told FROM profile WHERE endpoint = ? AND hour >= ? AND hour < ? ORDER BY hour, version",
        (endpoint, since, until),
    ).fetchall()


def stacked(layout: stacks.Layout, packed: bytes) -> stacks.Stack:
    """What is stored of an hour, as arrays."""
    seen = _seen(packed)
    return layout.stacked(seen.rows, seen.columns)


def rows(connection: sqlite3.Connection, endpoint: str, since: int, until: int) -> int:
    """How many rows came in the hours that begin in this time."""
    ask = "SELECT told FROM profile WHERE endpoint = ? AND hour >= ? AND hour < ?"
    return sum(_rows(packed).rows for (packed,) in connection.execute(ask, (endpoint, since, until)))


def reach(connection: sqlite3.Connection, endpoint: str, version: int = 0) -> tuple[int, int]:
    """(first, last) hour of an endpoint, or of one version of it, of which anything is counted; (0, 0): none."""
    asked = "SELECT min(hour), max(hour) FROM profile WHERE endpoint = ? AND ? IN (0, version)"
    first, last = connection.execute(asked, (endpoint, version)).fetchone()
    return (first, last) if first is not None else (0, 0)


def alike(connection: sqlite3.Connection, endpoint: str, version: int) -> frozenset[int]:
    """The versions of an endpoint that were made of the same bundle, this one among them: they predict alike."""
    if not catalogue.has(connection, "profiled"):
        return frozenset({version})  # a catalogue that no recorder of this Tidegate has opened yet
    same = connection.execute(
        "SELECT other.version FROM profiled JOIN profiled AS other USING (endpoint, digest)"
        " WHERE profiled.endpoint = ? AND profiled.version = ?",
        (endpoint, version),
    )
    return frozenset({version, *(one for (one,) in same)})


def merged(several: Sequence[profiles.Profile]) -> profiles.Profile:
    """The sum of profiles."""
    if len(several) == 1:
        return several[0]
    columns: dict[str, list[profiles.Column]] = {}
    for one in several:
        for name, column in one.columns.items():
            columns.setdefault(name, []).append(column)
    return profiles.Profile(sum(one.rows for one in several), {name: profiles.total(many) for name, many in columns.items()})
