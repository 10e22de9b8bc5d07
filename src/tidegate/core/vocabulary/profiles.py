"""Profiles: what the values of columns were over a stretch of time, as counts that add up.

How values are told apart (`Frame`) is fixed once, from a reference; then profiles of hours, gateways and versions are added, and
a day or a season is the sum of its hours. Nothing of a single value is kept.
"""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

MOST_EDGES = 65
"""Edges of a numeric column within what was first seen: 64 bins between them."""
OUTER_EDGES = 8
"""Edges below these, and as many above."""
MOST_CLASSES = 50
"""Values of a category that are told apart; what is beyond them is one more."""
FEWEST_ALIKE = 20
"""Rows that must have had a value before a bin is called by it: what fewer had may be a person's own."""

PREDICTION = "prediction"
"""The column of the model's own answers: the first output, or the likeliest class."""
OUTPUTS = "prediction."
"""What the columns of their other outputs begin with."""
FEWEST = 200
"""Rows of either side below which nothing is said of how two profiles differ."""


class Frame(msgspec.Struct, frozen=True):
    """How the values of one column are told apart."""

    name: str
    edges: tuple[float, ...] = ()
    """Numbers: ascending, no two equal. A value is in the bin of how many edges are not above it: bin 0 is below all."""
    classes: tuple[str, ...] = ()
    """Categories, none twice; the bin behind them is that of new ones."""

    @property
    def numeric(self) -> bool:
        """Whether it tells numbers apart."""
        return bool(self.edges)

    @property
    def bins(self) -> int:
        """How many bins there are, nulls apart."""
        return len(self.edges or self.classes) + 1

    def bin(self, number: float) -> int:
        """The bin of a finite number."""
        return bisect.bisect_right(self.edges, number)


class Column(msgspec.Struct, frozen=True):
    """What was seen of one column."""

    counts: tuple[int, ...]
    """By bin of its frame."""
    nulls: int = 0
    """Missing, or not a number."""
    broken: int = 0
    """No value of the column's type, or infinite."""
    total: float = 0.0
    """Sum of the numbers."""
    squares: float = 0.0
    """Sum of their squares."""
    least: float = math.inf
    most: float = -math.inf

    @property
    def valued(self) -> int:
        """Values that are in a bin."""
        return sum(self.counts)

    @property
    def seen(self) -> int:
        """All entries: values, nulls and broken ones."""
        return self.valued + self.nulls + self.broken

    def __add__(self, other: "Column") -> "Column":
        return total((self, other))


class Profile(msgspec.Struct, frozen=True):
    """What was seen of all columns over one stretch of time."""

    rows: int = 0
    columns: dict[str, Column] = {}

    def __add__(self, other: "Profile") -> "Profile":
        return Profile(self.rows + other.rows, added(self.columns, other.columns))


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a column was in the data that came with a model, without a frame."""

    rows: int
    nulls: int = 0
    broken: int = 0
    points: tuple[float, ...] = ()
    """Of numbers: quantiles in equal steps, the least first."""
    words: dict[str, int] = {}
    """Of anything else: how often each of the commonest came."""
    others: int = 0
    """Values that are none of these."""
    total: float = 0.0
    squares: float = 0.0
    edges: tuple[float, ...] = ()
    """Of numbers counted over all rows: the frame that they teach. What of them is within the values is among the points."""
    below: tuple[int, ...] = ()
    """Of these: how many are less than each of the points, the first and last of which are of all rows. Empty: the points are
    quantiles in equal steps.
    """
    upto: tuple[int, ...] = ()
    """The same of how many are not more."""


class Baseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """The baseline profile of a bundle: its columns and `prediction` in the data that came with the model."""

    rows: int = 0
    columns: dict[str, Known] = {}
    importances: dict[str, float] = {}
    """By column, how much the answers depend on it; the mean is 1. Empty: not known."""
    data: str = ""
    """The training data that all rows of were counted; empty: the example that came with the model."""
    note: str = ""
    """Why it is not of the training data that the model names."""
    wanted: bool = False
    """Whether tidegate.yaml names the data; else the model's run does."""


def is_output(name: str) -> bool:
    """Whether a column is of what a model says, and not of what it was asked."""
    return name == PREDICTION or name.startswith(OUTPUTS)


def outputs(names: Iterable[str]) -> int:
    """How many of these columns are of what a model says."""
    return sum(map(is_output, names))


def total(several: Sequence[Column]) -> Column:
    """The sum of columns of one frame, one at least."""
    return Column(
        tuple(map(sum, zip(*(one.counts for one in several), strict=True))),
        sum(one.nulls for one in several),
        sum(one.broken for one in several),
        sum(one.total for one in several),
        sum(one.squares for one in several),
        min(one.least for one in several),
        max(one.most for one in several),
    )


def added(one: Mapping[str, Column], other: Mapping[str, Column]) -> dict[str, Column]:
    """Columns of both by name; those of one alone stay as they are."""
    found = dict(one)
    for name, column in other.items():
        found[name] = found[name] + column if name in found else column
    return found
