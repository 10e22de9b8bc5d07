"""Two versions' answers to one request, compared: mirrored requests by the recorder, logged ones by replay. Pure.

The rules, in full:
- A pair is a request that was answered well, and what became of its copy. A request that was not answered well is none, whatever
  its copy got; a copy with a neutral mark (collateral: it failed through another's failure) is none either.
- A copy that was not answered well has failed, and disagrees in every row.
- Rows are compared by their answers (the first output): numbers within the tolerance, everything else equal, a missing answer
  equals only a missing one. Answers to different numbers of rows disagree in every row.
- Models whose first output has no one value a row (embeddings, vectors without classes) are compared by their whole output as
  JSON, without ids and names of versions; without logged outputs such answers cannot be told apart, and agree.
- A request is one pair, however many rows it has: it disagrees when any of its rows does. In a slice only the slice's rows count.
- Identical inputs that arrive in the same minute are one pair, the first that is met: copies of one answer are no more evidence.
"""

import hashlib
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import marks, records, sums, tables
from tidegate.dataplane.predlog import outcomes

Slice = tuple[str, tuple[int, ...] | None]
"""Its name (column=value; empty: all) and the request's rows in it; None: every row."""
ALL: Slice = ("", None)
MINUTE_NS = 60 * 10**9
NEITHER, COPY_ONLY, SERVED_ONLY = 0, 1, 2
"""Which of the two answers alone is wrong."""
_OWN = frozenset({"id", "prediction_id", "version", "model_name", "model_version"})
"""What in a response's body says who answered, and not what."""
_decode = msgspec.json.Decoder().decode


class Found(msgspec.Struct, frozen=True):
    """A pair, compared."""

    differs: tuple[bool, ...]
    """By row."""
    distances: tuple[float, ...]
    """By row, of two numbers; 0 where they are none."""
    failed: bool = False
    """The copy's."""


class Given(msgspec.Struct, frozen=True, array_like=True):
    """What both answered: all that an outcome is held against later."""

    served: tuple[outcomes.Answer, ...]
    copied: tuple[outcomes.Answer, ...]
    failed: bool
    """Whether the copy was not answered well."""


class Count(msgspec.Struct):
    """One slice's sums; see `sums.PairSum`."""

    pairs: int = 0
    disagreed: int = 0
    failed: int = 0
    largest: float = 0.0
    copy_only_wrong: int = 0
    served_only_wrong: int = 0

    def add(self, found: Found, rows: tuple[int, ...] | None) -> None:
        """One pair more, by its rows in this slice."""
        differs = found.differs if rows is None else _of(found.differs, rows)
        distances = found.distances if rows is None else _of(found.distances, rows)
        self.pairs += 1
        self.disagreed += any(differs)
        self.failed += found.failed
        self.largest = max(self.largest, *distances, 0.0)

    def settle(self, before: int, after: int) -> None:
        """What an outcome showed of a pair has changed."""
        self.copy_only_wrong += (after == COPY_ONLY) - (before == COPY_ONLY)
        self.served_only_wrong += (after == SERVED_ONLY) - (before == SERVED_ONLY)

    def shown(self, name: str) -> sums.PairSum:
        """As it is written."""
        return sums.PairSum(name, *msgspec.structs.astuple(self))


def is_pair(served: records.Prediction, copied: records.Prediction) -> bool:
    """Whether the two say anything about each other."""
    return served.mark == marks.Mark.OK and copied.mark not in marks.NEUTRAL


def compared(rule: tables.Pairing, served: records.Prediction, copied: records.Prediction) -> Found:
    """A pair's rows, one by one."""
    rows = max(1, served.rows)
    everywhere, nowhere = (True,) * rows, (0.0,) * rows
    if copied.mark != marks.Mark.OK:
        return Found(everywhere, nowhere, failed=True)
    mine, theirs = served.answers, copied.answers
    whole = len(mine) == served.rows and len(theirs) == copied.rows  # else cut short, where answers are very many or long
    if served.rows != copied.rows or (whole and len(mine) != len(theirs)):
        return Found(everywhere, nowhere)
    if not any(one is not None for one in (*mine, *theirs)):
        same = _bodies_agree(rule.tolerance, served.output, copied.output)
        return Found((not same,) * rows, nowhere)
    told = [_row(rule.tolerance, one, other) for one, other in zip(mine, theirs, strict=False)]
    told += [(False, 0.0)] * (rows - len(told))
    differs, distances = zip(*told, strict=True)
    return Found(tuple(differs), tuple(distances))


def given(served: records.Prediction, copied: records.Prediction) -> Given:
    """What is kept of a pair until its outcome is known."""
    return Given(served.answers, copied.answers, copied.mark in marks.BAD)


def wronged(rule: tables.Outcomes, told: Given, heard: Sequence[outcomes.Heard], rows: tuple[int, ...] | None = None) -> int:
    """Which of the two alone was wrong, by what was heard of the request (of some of its rows)."""
    known = heard if rows is None else [one for one in heard if one.row in rows]
    served = outcomes.mark(rule, outcomes.Given(told.served), known)
    copied = outcomes.mark(rule, outcomes.Given(told.copied, told.failed), known)
    if served is None or copied is None or served == copied:
        return NEITHER
    return COPY_ONLY if copied else SERVED_ONLY


def sameness(served: records.Prediction, secret: bytes = b"") -> tuple[int, bytes]:
    """(minute of arrival, what stands for the input): equal for requests that count once; no bytes where no input was logged.

    With a secret nobody can try inputs to see which it was.
    """
    if not served.input:
        return 0, b""
    digest = hashlib.blake2b(served.input, digest_size=12, key=secret, person=served.content.encode()[:16]).digest()
    return served.arrived_ns // MINUTE_NS, digest


def _row(tolerance: float, one: outcomes.Answer, other: outcomes.Answer) -> tuple[bool, float]:
    """Whether two answers differ, and how far two numbers are apart."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        apart = abs(one - other)
        # What is decimal to people is not to the machine: 0.3 and 0.4 are no more than 0.1 apart.
        return apart > tolerance and not math.isclose(apart, tolerance, rel_tol=1e-9), min(float(apart), sys.float_info.max)
    return one != other, 0.0


def _bodies_agree(tolerance: float, one: bytes, other: bytes) -> bool:
    try:
        return _agree(tolerance, _decode(one), _decode(other))
    except (ValueError, RecursionError):
        return one == other  # not JSON: raw tensors, protobuf


def _agree(tolerance: float, one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        names = (one.keys() | other.keys()) - _OWN
        return all(name in one and name in other and _agree(tolerance, one[name], other[name]) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_agree(tolerance, *both) for both in zip(one, other, strict=True))
    if isinstance(one, dict | list | bool) or isinstance(other, dict | list | bool):
        return bool(one == other)
    return not _row(tolerance, one, other)[0]


def _of(values: Sequence[Any], rows: Iterable[int]) -> list[Any]:
    return [values[row] for row in rows if row < len(values)]
