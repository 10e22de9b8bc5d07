"""The recorder counts a release's requests by slice: the same for both arms, shown once closed, once over kills."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from pairs_fixtures import Mirrored, place

from tidegate.core.vocabulary import arms, assignment, marks, records, sums, tables
from tidegate.observability.joining import labels, slicing

OTHER = "c" * 32
LIMITS = tables.Limits(timeout_ms=1_000)
CLOSES = 1 + labels.MARGIN_SECONDS
"""Seconds after which a tick is closed."""


class Sliced(Mirrored):
    """A gateway's log of a release whose requests are told apart by carrier."""

    def __init__(self, root: pathlib.Path, **route: object) -> None:
        whole = {"mirror": 0, "weight": 500, "slices": ("carrier",), "limits": LIMITS}
        super().__init__(root, **(whole | route))

    def slices(self, release: str = "r1") -> sums.Slices:
        """What control would read."""
        raw = (self.home.slices / "flight-delay.json").read_bytes()
        return msgspec.json.decode(raw, type=dict[str, sums.Slices])[release]

    def rows(self) -> list[tuple[str, int, int, int, int, int, int]]:
        """(slice, tick, span, candidate bad, stable bad, candidate ok, stable ok)."""
        return [
            (one.slice, one.tick - given.T0, one.span, one.candidate_bad, one.stable_bad, one.candidate_ok, one.stable_ok)
            for one in self.slices().sums
        ]


def asked(chance: int, at: float = 0.0, carrier: str = "AA", **more: object) -> records.Prediction:
    whole = {"input": b'{"records": [{"carrier": "%s"}]}' % carrier.encode(), "key_hash": b""}
    return given.prediction(chance, at, **(whole | more))


def drawn(chance: int, at: float = 0.0, carrier: str = "AA", **more: object) -> records.Prediction:
    """A request drawn for the candidate."""
    return asked(chance, at, carrier, **({"arm": arms.Arm.CANDIDATE, "version": 2, "digest": "e" * 64} | more))


def test_requests_are_counted_by_slice_arm_and_mark_once_their_tick_is_closed(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    log.put(asked(0), asked(1, 0.5, mark=marks.Mark.ERROR), drawn(2, 0.6, "UA"), drawn(3, 0.7, "UA", mark=marks.Mark.TIMEOUT))
    log.look(CLOSES + 0.9)
    assert log.slices() == sums.Slices(given.T0)
    log.look(CLOSES + 1.0)
    assert log.rows() == [("carrier=AA", 0, 1, 0, 1, 0, 1), ("carrier=UA", 0, 1, 1, 0, 1, 0)]
    head = log.slices().sums[0]
    assert (head.generation, head.weight, head.evidence) == (5, 500, True)
    assert log.slices().closed_before == given.T0 + 1


def test_neutral_marks_and_what_is_not_drawn_are_in_no_count(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    neutral = [asked(at, mark=mark) for at, mark in enumerate(marks.NEUTRAL)]
    roles = [asked(10 + role, role=role) for role in (arms.Role.SHADOW, arms.Role.PINNED, arms.Role.SMOKE)]
    whole = [asked(20, weight=0), asked(21, weight=arms.BUCKETS), asked(22, release="")]
    log.put(*neutral, *roles, *whole)
    log.look(9.0)
    assert log.rows() == [("carrier=AA", 0, 6, 0, 0, 0, 0)], "its name is met, and nothing is counted"


def test_the_first_seconds_are_apart_then_come_minutes_and_later_hours(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    times = (0, 9, 10, 39, 40, 99, 6_399, 6_400, 9_999, 10_000)
    log.put(*(asked(at, at) for at in times))
    log.look(10_100.0)
    assert log.rows() == [
        ("carrier=AA", 0, 10, 0, 0, 0, 2),
        ("carrier=AA", 10, 30, 0, 0, 0, 2),
        ("carrier=AA", 40, 60, 0, 0, 0, 2),
        ("carrier=AA", 6_340, 60, 0, 0, 0, 1),
        ("carrier=AA", 6_400, 3_600, 0, 0, 0, 2),
        ("carrier=AA", 10_000, 97, 0, 0, 0, 1),
    ]
    assert (given.T0 + 6_400) % sums.HOUR_SECONDS == 0


def test_a_closed_tick_never_changes_and_an_earlier_one_still_comes_in(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    log.put(asked(0, 0.5), asked(1, 4.5))
    log.look(4.5)
    assert log.rows() == [("carrier=AA", 0, 1, 0, 0, 0, 1)]
    log.put(drawn(2, 0.6), drawn(3, 3.5), boot=OTHER)
    log.look(30.0)
    assert log.rows() == [("carrier=AA", 0, 10, 0, 0, 1, 2)]


def test_a_kill_counts_nothing_twice_and_loses_nothing(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    log.put(asked(0), drawn(1, 20.0, "UA"))
    log.look(5.0)
    log.put(drawn(2, 0.5, "DL"), asked(3, 21.0, "UA"))
    log.recorder.step(given.T0 + 22.0)
    log.killed(22.0)
    log.look(23.0)
    log.killed(40.0)
    log.put(asked(4, 40.0, "UA"))
    log.look(50.0)
    rows = [row for row in log.rows() if any(row[3:])]
    assert rows == [
        ("carrier=AA", 0, 10, 0, 0, 0, 1),
        ("carrier=UA", 10, 30, 0, 0, 1, 1),
        ("carrier=UA", 40, 7, 0, 0, 0, 1),
    ]


@pytest.mark.parametrize("swapped", [False, True])
def test_twenty_values_have_slices_of_their_own_in_order_of_arrival_whoever_is_read_first(
    tmp_path: pathlib.Path, swapped: bool
) -> None:
    log = Sliced(tmp_path)
    early = [asked(at, 0.5, f"C{at:02}") for at in range(slicing.MOST - 1)]
    late = [asked(30, 1.5, "ZZ"), asked(31, 1.6, "YY")]
    first, second = ([drawn(32, 2.5, "XX"), *late], early) if swapped else (early, [*late, drawn(32, 2.5, "XX")])
    log.put(*first)
    log.look(1.7)
    log.put(*second, boot=OTHER)
    log.look(30.0)
    log.put(asked(40, 60.0, "ZZ"))
    log.killed(61.0)
    log.look(90.0)
    found = {row[0]: sum(one[3] + one[4] + one[5] + one[6] for one in log.rows() if one[0] == row[0]) for row in log.rows()}
    assert len(found) == slicing.MOST + 1
    assert (found["carrier=YY"], found["carrier=other"]) == (1, 3)


def test_a_request_of_several_rows_is_in_the_slice_of_each_once(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    body = b'{"records": [{"carrier": "AA"}, {"carrier": "AA"}, {"carrier": "UA"}]}'
    log.put(asked(0, input=body, rows=3, mark=marks.Mark.ERROR))
    log.look(30.0)
    assert log.rows() == [("carrier=AA", 0, 10, 0, 1, 0, 0), ("carrier=UA", 0, 10, 0, 1, 0, 0)]


def test_what_cannot_be_read_is_in_no_slice_and_is_said(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path, slices=("carrier", "plan"))
    log.put(asked(0), asked(1, 0.1, input=b""), drawn(2, 0.2, input=b"{"))
    log.look(30.0)
    assert log.rows() == [("carrier=AA", 0, 10, 0, 0, 0, 1)]
    assert log.slices().unread == 3, "no model has a column plan"


def test_both_arms_are_read_by_the_signature_of_stable(tmp_path: pathlib.Path) -> None:
    """The candidate's bundle is not there at all, and its requests are in the slices all the same."""
    log = Sliced(tmp_path)
    log.put(asked(0), drawn(1))
    log.look(30.0)
    assert not (log.home.bundles / ("e" * 64)).exists()
    assert log.rows() == [("carrier=AA", 0, 10, 0, 0, 1, 1)]


def test_letters_that_would_write_on_a_terminal_are_not_shown(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    log.put(asked(0, carrier="\\u001b[2J\\n"))
    log.look(30.0)
    assert log.rows()[0][0] == "carrier=?[2J?"


@pytest.mark.parametrize("route", [{"slices": ()}, {"sticky": assignment.Sticky("header", "x-user")}])
def test_without_slices_or_with_sticky_units_nothing_is_counted(tmp_path: pathlib.Path, route: dict[str, object]) -> None:
    log = Sliced(tmp_path, **route)
    log.put(asked(0))
    log.look(30.0)
    assert not (log.home.slices / "flight-delay.json").exists()


def test_releases_long_ended_are_forgotten(tmp_path: pathlib.Path) -> None:
    log = Sliced(tmp_path)
    for number in range(labels.RELEASES + 1):
        place(log.home, mirror=0, weight=500, slices=("carrier",), limits=LIMITS, release=f"r{number}")
        log.put(asked(number, 20.0 * number, release=f"r{number}"))
        log.look(20.0 * number + 15.0)
    log.look(300.0)
    raw = (log.home.slices / "flight-delay.json").read_bytes()
    told = msgspec.json.decode(raw, type=dict[str, sums.Slices])
    assert sorted(told) == [f"r{number}" for number in range(1, labels.RELEASES + 1)]
    query = "SELECT count(*) FROM slicesum"
    assert log.recorder.catalogue.connection.execute(query).fetchone() == (labels.RELEASES,)
