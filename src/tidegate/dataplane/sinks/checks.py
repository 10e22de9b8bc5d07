"""The suite that every sink passes: what the Protocol promises, said once.

A sink's own tests make a `Bench` and run every function of `ALL` on a fresh one. Nothing here knows which sink it is.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import sink

ENDPOINT, DAY = "flight-delay", "2026-03-01"
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("incarnation", pa.string()),
        ("sequence", pa.int64()),
        ("arrived", pa.timestamp("ns", "UTC")),
        ("answers", pa.string()),
        ("input", pa.string()),
        ("in_carrier", pa.list_(pa.string())),
        ("in_distance", pa.list_(pa.float64())),
    ]
)
Row = dict[str, Any]


class Bench(Protocol):
    """A sink on trial, at a place with nothing in it."""

    subject: sink.Sink

    def again(self) -> sink.Sink:
        """The sink of the same place, as another process would have it."""

    def received(self) -> list[Row]:
        """All rows that the place has now, in its order, as messages have them; of repeats both, unless it sees them itself."""

    def down(self) -> None:
        """Have the place answer nobody."""

    def up(self) -> None:
        """Have it answer again, with what it had."""


Check = Callable[[Bench], None]


def parcel(begin: int, count: int, table: str = "predictions") -> sink.Parcel:
    """Rows numbered from `begin` on."""
    numbers = range(begin, begin + count)
    rows = {
        "id": [f"018e0000-0000-7000-8000-{number:012d}" for number in numbers],
        "incarnation": ["b" * 32] * count,
        "sequence": list(numbers),
        "arrived": [dt.datetime(2026, 3, 1, 12, 0, 0, number, dt.UTC) for number in numbers],
        "answers": [f"[{number / 8}, null]" for number in numbers],
        "input": ['{"records": [{"carrier": "ÄÖ"}]}' if number % 2 else None for number in numbers],
        "in_carrier": [["ÄÖ", None]] * count,
        "in_distance": [[number + 0.5] if number % 3 else None for number in numbers],
    }
    endpoint = ENDPOINT if table == "predictions" else ""
    return sink.Parcel(table, endpoint, DAY, f"host-1-{begin:012d}", pa.table(rows, schema=_SCHEMA))


def expected(*parcels: sink.Parcel) -> list[Row]:
    """What a place has to have."""
    return [msgspec.json.decode(one.body) for each in parcels for one in each.messages()]


def what_is_delivered_is_there_in_order_and_as_it_was(bench: Bench) -> None:
    """Once `deliver` has returned, and no sooner: nulls, letters, lists and times as they were."""
    first, second = parcel(0, 5), parcel(5, 3)
    bench.subject.deliver(first)
    assert bench.received() == expected(first)
    bench.subject.deliver(second)
    assert bench.received() == expected(first, second)


def many_rows_arrive_in_order(bench: Bench) -> None:
    """A thousand at a time, which is what lines deliver."""
    parcels = [parcel(begin, 1_000) for begin in (0, 1_000, 2_000)]
    for one in parcels:
        bench.subject.deliver(one)
    assert [row["sequence"] for row in bench.received()] == list(range(3_000))


def what_comes_twice_can_be_told(bench: Bench) -> None:
    """By incarnation and sequence: a consumer that drops repeats has each row once."""
    for _ in range(2):
        bench.subject.deliver(parcel(0, 4))
    bench.subject.deliver(parcel(4, 2))
    rows = bench.received()
    assert len({(row["incarnation"], row["sequence"]) for row in rows}) == 6
    kept = list({row["sequence"]: row for row in rows}.values())
    assert kept == expected(parcel(0, 4), parcel(4, 2))


def another_one_goes_on(bench: Bench) -> None:
    """As after a kill."""
    bench.subject.deliver(parcel(0, 2))
    bench.subject.close()
    other = bench.again()
    other.deliver(parcel(2, 2))
    other.close()
    assert bench.received() == expected(parcel(0, 2), parcel(2, 2))


def outcomes_are_told_from_predictions(bench: Bench) -> None:
    """Each row says its table."""
    bench.subject.deliver(parcel(0, 2))
    bench.subject.deliver(parcel(2, 2, "outcomes"))
    assert sorted(row["table"] for row in bench.received()) == ["outcomes"] * 2 + ["predictions"] * 2


def _refusal(subject: sink.Sink) -> errors.SinkUnavailable | None:
    try:
        subject.deliver(parcel(2, 2))
    except errors.SinkUnavailable as refused:
        return refused
    return None


def a_place_that_is_down_refuses_and_then_takes_the_same_again(bench: Bench) -> None:
    """With SinkUnavailable, which says nothing of where it is; the sink itself goes on."""
    bench.subject.deliver(parcel(0, 2))
    bench.down()
    refused = _refusal(bench.subject)
    assert refused is not None, "it was taken by nobody"
    assert "://" not in str(refused)
    bench.up()
    bench.subject.deliver(parcel(2, 2))
    assert {row["sequence"] for row in bench.received()} == {0, 1, 2, 3}


ALL: tuple[Check, ...] = (
    what_is_delivered_is_there_in_order_and_as_it_was,
    many_rows_arrive_in_order,
    what_comes_twice_can_be_told,
    another_one_goes_on,
    outcomes_are_told_from_predictions,
    a_place_that_is_down_refuses_and_then_takes_the_same_again,
)
