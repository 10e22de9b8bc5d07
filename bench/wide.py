"""What watching very many columns costs: the catalogue of an endpoint of any width, and how long looks at it take.

A year as the recorder leaves it: hours of the last hundred days and days before, a thousand rows an hour, three columns of
numbers to one of categories. One column of fifty is elsewhere for the last ten days.
"""

import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import home, profiles, tables
from tidegate.dataplane.predlog import catalogue
from tidegate.observability.drift import lookout, references
from tidegate.observability.profiling import hourly

ENDPOINT = "wide"
BEGIN = seasons.WEEK_BEGINS + 2_800 * seasons.WEEK
DAYS, HOURLY, SHIFTED = 365, 100, 10
ROWS = 1_000


class Law(NamedTuple):
    """What the columns are."""

    frames: list[profiles.Frame]
    usual: list[np.ndarray]
    """By column, the chance of each bin."""
    shifted: list[np.ndarray]


class Found(NamedTuple):
    """Processor seconds."""

    columns: int
    first_look: float
    hour_later: float
    """Of a look with one window of quality that has ended."""
    report: float
    """Of `tidegate drift` against the season, without what the command line takes to start."""


def measure(columns: int) -> Found:
    """Look at that many columns as a monitor does that starts, and an hour later."""
    with tempfile.TemporaryDirectory() as folder:
        place = home.Home(pathlib.Path(folder))
        place.prepare()
        until = fill(place.log, columns)
        route = tables.Route(ENDPOINT, "production", stable=tables.Deployed(1, "d" * 64, "m"))
        place.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {ENDPOINT: route})))
        watch = lookout.Lookout(place)
        first, later = (
            _seconds(lambda now=now: watch.look(now)) for now in (until - 6 * seasons.HOUR + 950, until - 5 * seasons.HOUR + 950)
        )
        asked = references.Asked(references.hours(until - seasons.DAY, until))
        with catalogue.Catalogue(place.log, readonly=True) as books:
            report = _seconds(lambda: references.report(place, books.connection, ENDPOINT, asked))
    return Found(columns, first, later, report)


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return round(time.process_time() - began, 2)


def law(columns: int) -> Law:
    """The same for everybody."""
    rng = np.random.default_rng(columns)
    frames, usual, shifted = [], [], []
    for at in range(columns):
        if at % 4:
            frames.append(counting.edged(f"x{at}", rng.gamma(1.0 + at % 5, 3.0, profiles.MOST_EDGES * 20)))
            outer = np.zeros(profiles.OUTER_EDGES)
            inner = frames[-1].bins - 2 * profiles.OUTER_EDGES
            chances = np.concatenate([outer, np.full(inner, 1 / inner), outer])
        else:
            frames.append(profiles.Frame(f"c{at}", classes=tuple(f"value-{one}" for one in range(5 + at % 45))))
            chances = rng.dirichlet(np.ones(frames[-1].bins))
        usual.append(chances)
        shifted.append(np.roll(chances, 20 if at % 4 else 3) if at % 50 in (0, 1) else chances)
    return Law(frames, usual, shifted)


def fill(place: pathlib.Path, columns: int) -> int:
    """The catalogue in this folder; when it ends (Unix seconds)."""
    given = law(columns)
    rng = np.random.default_rng(1)
    with catalogue.Catalogue(place) as books:
        hourly.prepare(books.connection)
        told = [(ENDPOINT, one.name, msgspec.msgpack.encode(one)) for one in given.frames]
        books.connection.executemany("INSERT INTO frame VALUES (?, ?, ?)", told)
        for at, length in _times():
            there = at >= BEGIN + (DAYS - SHIFTED) * seasons.DAY
            known = _profile(given, given.shifted if there else given.usual, ROWS * length // seasons.HOUR, rng)
            books.connection.execute("INSERT INTO profile VALUES (?, 1, ?, ?)", (ENDPOINT, at, msgspec.msgpack.encode(known)))
        books.connection.commit()
    return BEGIN + DAYS * seasons.DAY


def _times() -> Iterator[tuple[int, int]]:
    """(when it begins, how long it is), in seconds."""
    turn = BEGIN + (DAYS - HOURLY) * seasons.DAY
    yield from ((at, seasons.DAY) for at in range(BEGIN, turn, seasons.DAY))
    yield from ((at, seasons.HOUR) for at in range(turn, BEGIN + DAYS * seasons.DAY, seasons.HOUR))


def _profile(given: Law, chances: list[np.ndarray], rows: int, rng: np.random.Generator) -> profiles.Profile:
    found = {}
    for frame, each in zip(given.frames, chances, strict=True):
        nulls = int(rng.binomial(rows, 0.01))
        counts = tuple(rng.multinomial(rows - nulls, each).tolist())
        if frame.numeric:
            far = rows * frame.edges[40]
            found[frame.name] = profiles.Column(counts, nulls, 0, far, far * 50.0, frame.edges[8], frame.edges[-9])
        else:
            found[frame.name] = profiles.Column(counts, nulls)
    return profiles.Profile(rows, found)
