"""The recorder pairs mirrored requests with their copies: once each, in any order, over kills, by slice, against the truth."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from pairs_fixtures import Mirrored, copied, failed, place, served

from tidegate.core.vocabulary import arms, marks, sums, tables
from tidegate.dataplane.predlog import reader
from tidegate.observability.joining import pairs, slicing

OTHER = "c" * 32


def test_a_request_and_its_copy_are_a_pair_whichever_is_read_first(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one, two, three = (served(at, at) for at in range(3))
    log.put(one, copied(one), copied(two, 0.75), two)
    log.put(copied(three, 0.3), boot=OTHER)
    log.look(1.0)
    log.put(three)
    log.look(2.0)
    assert log.pairs() == sums.Pairs((sums.PairSum("", 3, 2, 0, 0.5),))
    assert (log.fact("paired"), log.fact("unpaired")) == (3, 0)


def test_a_copy_that_failed_disagrees_and_a_request_that_failed_is_no_pair(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one, two, three = served(0), served(1, mark=marks.Mark.TIMEOUT, answers=()), served(2)
    log.put(one, failed(one), two, copied(two, 0.25), three, failed(three, marks.Mark.COLLATERAL))
    log.look(1.0)
    assert log.counts() == {"": (1, 1, 1)}
    assert log.pairs().unmatched == 0


def test_the_tolerance_is_that_of_the_route_when_the_release_began(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, pairing=tables.Pairing(tolerance=0.2))
    one, two = served(0), served(1, 1.0)
    log.put(one, copied(one, 0.4))
    log.look(1.0)
    place(log.home, pairing=tables.Pairing(tolerance=0.0))
    log.put(two, copied(two, 0.4))
    log.look(2.0)
    log.killed(2.0)
    assert log.counts() == {"": (2, 0, 0)}


def test_a_copy_whose_request_is_recorded_already_finds_it_in_parquet(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one = served(0)
    log.put(one)
    log.look(1.0)
    log.killed(2.0)
    log.put(copied(one, 0.75), boot=OTHER)
    log.look(2.0)
    assert log.pairs() == sums.Pairs((), unmatched=1)
    log.killed(3.0)
    log.look(6.0)
    assert log.pairs() == sums.Pairs((sums.PairSum("", 1, 1, 0, 0.5),))


def test_a_copy_without_a_request_is_unmatched_after_a_minute(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    log.put(copied(served(0)))
    log.look(1.0)
    log.look(5.0)
    assert (log.pairs().unmatched, log.fact("unpaired")) == (1, 0)
    log.killed(30.0)
    log.look(40.0)
    log.look(65.0)
    assert (log.pairs().unmatched, log.fact("unpaired")) == (1, 1)
    log.put(served(0))
    log.look(66.0)
    assert log.pairs() == sums.Pairs((), unmatched=1)


def test_copies_that_wait_are_bounded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "COPIES_MOST", 2)
    log = Mirrored(tmp_path)
    requests = [served(at) for at in range(5)]
    log.put(*map(copied, requests))
    log.put(*requests, boot=OTHER)
    log.look(1.0)
    assert (log.counts(), log.pairs().unmatched) == ({"": (2, 0, 0)}, 3)


def test_requests_that_are_held_are_bounded_and_what_was_let_go_is_found_in_parquet(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "HELD_MOST", 2)
    log = Mirrored(tmp_path)
    requests = [served(at) for at in range(5)]
    log.put(*requests, *map(copied, requests))
    log.look(1.0)
    assert (log.counts(), log.pairs().unmatched) == ({"": (2, 0, 0)}, 3)
    log.look(5.0)
    assert (log.counts(), log.pairs().unmatched) == ({"": (5, 0, 0)}, 0)


def test_identical_inputs_of_one_minute_are_one_pair(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    same = [served(at, at * 0.1, input=b'{"records": [{"carrier": "AA"}]}') for at in range(5)]
    later = served(9, 61.0, input=same[0].input)
    log.put(*(one for request in same for one in (request, copied(request, 0.75))))
    log.look(1.0)
    log.killed(1.0)
    log.put(later, copied(later, 0.75))
    log.look(62.0)
    assert (log.counts(), log.fact("same_input")) == ({"": (2, 2, 0)}, 4)


def test_without_logged_inputs_every_pair_counts_and_there_are_no_slices(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, slices=("carrier",))
    requests = [served(at, input=b"", output=b"") for at in range(3)]
    log.put(*(one for request in requests for one in (request, copied(request))))
    log.look(1.0)
    assert log.counts() == {"": (3, 0, 0)}


def test_slices_are_told_by_the_inputs_values(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, slices=("carrier", "hour", "no-such-column"))
    one, two, three = served(7, carrier="AA"), served(8, carrier="UA"), served(7, 1.0, carrier="UA", rows=1)
    nobody = served(4, input=b'{"records": [{"carrier": "UA"}]}')
    log.put(one, copied(one), two, copied(two, 0.75), three, copied(three), nobody, failed(nobody))
    log.look(1.0)
    assert log.counts() == {
        "": (4, 2, 1),
        "carrier=AA": (1, 0, 0),
        "carrier=UA": (3, 2, 1),
        "hour=7": (2, 0, 0),
        "hour=8": (1, 1, 0),
        "hour=null": (1, 1, 1),
    }
    assert log.pairs().sums[0].slice == ""


def test_a_request_of_many_rows_is_one_pair_in_each_of_its_slices(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, slices=("carrier",))
    rows = b'{"dataframe_split": {"columns": ["carrier", "hour"], "data": [["AA", 1], ["UA", 2], ["AA", 3]]}}'
    one = served(0, input=rows, content="invocations", answers=(0.1, 0.2, 0.3), rows=3)
    log.put(one, copied(one, 0.1, 0.9, 0.3), given.outcome(0, one, 1.0, 2.0, row=1))
    log.look(3.0)
    assert log.counts() == {"": (1, 1, 0), "carrier=AA": (1, 0, 0), "carrier=UA": (1, 1, 0)}
    assert {one.slice: one.served_only_wrong for one in log.pairs().sums} == {"": 1, "carrier=AA": 0, "carrier=UA": 1}


def test_twenty_values_of_a_column_have_a_slice_and_the_rest_is_other(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, slices=("carrier",))
    for half in (range(15), range(15, 30)):
        requests = [served(at, carrier=f"C{at}") for at in half]
        log.put(*(one for request in requests for one in (request, copied(request))))
        log.look(1.0)
        log.killed(1.0)
    counts = log.counts()
    assert len(counts) == 1 + slicing.MOST + 1
    assert counts["carrier=other"] == (10, 0, 0)


def test_an_outcome_says_which_answer_of_a_pair_was_wrong_whenever_it_comes(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    early, late, both, unanswered = (served(at, at) for at in range(4))
    log.put(early, given.outcome(0, early, 0.0, 1.0))
    log.look(1.0)
    log.put(copied(early, 0.75), late, copied(late, 0.75), both, copied(both, 0.3), unanswered, failed(unanswered))
    log.look(2.0)
    assert log.wrongs() == (1, 0)
    log.killed(2.0)
    log.put(*(given.outcome(0, one, label, 3.0) for one, label in ((late, 1.0), (both, 1.0), (unanswered, 0.0))))
    log.look(4.0)
    assert log.wrongs() == (2, 1)
    log.put(given.outcome(0, late, 0.0, 5.0, label_version=2), given.outcome(0, early, 0.0, 5.0))
    log.look(6.0)
    assert log.wrongs() == (3, 0)


def test_a_kill_between_two_flushes_loses_no_pair_and_counts_none_twice(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    for turn in range(6):
        requests = [served(10 * turn + at, turn + at / 10) for at in range(5)]
        log.put(*requests)
        log.put(*(copied(one, 0.75 if at % 2 else 0.25) for at, one in enumerate(requests)), boot=OTHER)
        log.interrupted(turn, turn + 0.5)
    log.look(10.0)
    log.look(20.0)
    log.killed(21.0)
    log.look(22.0)
    assert log.pairs() == sums.Pairs((sums.PairSum("", 30, 12, 0, 0.5),))


def test_copies_disturb_no_cohort_no_count_and_no_reader(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one, two = served(0), served(1, 0.5, arm=arms.Arm.CANDIDATE, version=2, weight=500)
    log.put(
        copied(one, 0.75),
        copied(two, 0.75, version=1),
        one,
        two,
        given.outcome(0, one, 0.0, 2.0),
        given.outcome(0, two, 1.0, 2.0),
    )
    log.look(20.0)
    assert log.cells() == [(0, 1, 1, 0, 0, 0, 0), (0, 0, 0, 0, 1, 1, 1)]
    assert (log.labels().joined, log.labels().wrong, log.fact("joined"), log.fact("unmatched")) == (2, 1, 2, 0)
    found = reader.find(log.home, one.id)
    assert found is not None
    assert (found.prediction.role, [told.label for told in found.outcomes]) == (arms.Role.LIVE, [0.0])
    assert sum(count.requests for count in reader.counts(log.home)) == 2
    assert len(reader.sample(log.home, "flight-delay", 9)) == 2


def test_an_endpoint_that_mirrors_nothing_has_no_file_of_pairs(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    log.put(served(0))
    log.look(1.0)
    assert not (log.home.pairs / "flight-delay.json").exists()


def test_pairs_of_several_releases_are_kept_apart(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one, two = served(0), served(1, release="r2")
    log.put(one, copied(one), two, copied(two, 0.75))
    log.look(1.0)
    assert (log.pairs("r1").all.disagreed, log.pairs("r2").all.disagreed) == (0, 1)


def test_what_was_paired_long_ago_is_forgotten_but_for_its_counts(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path)
    one = served(0)
    log.put(one, copied(one, 0.75))
    log.look(1.0)
    log.look(700.0)
    for table in ("pair", "same", "copy"):
        assert log.recorder.catalogue.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert log.counts() == {"": (1, 1, 0)}
    assert msgspec.structs.asdict(log.pairs().all)["largest"] == 0.5
