"""When two answers are the same, what a pair is, and what an outcome says of it."""

import pytest
from pairs_fixtures import copied, failed, served

from tidegate.core.vocabulary import marks, sums, tables
from tidegate.dataplane.predlog import outcomes, pairing

NEAR = tables.Pairing(tolerance=0.1)


def differs(one, *answers, tolerance=0.1, **more):
    return pairing.compared(tables.Pairing(tolerance), one, copied(one, *answers, **more)).differs


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        (0.3, 0.3, True),
        (0.3, 0.4, True),
        (0.3, 0.401, False),
        (-0.05, 0.05, True),
        ("late", "late", True),
        ("late", "Late", False),
        ("3", 3.0, False),
        (None, None, True),
        (None, 0.0, False),
    ],
)
def test_numbers_within_the_tolerance_are_the_same_and_all_else_has_to_be_equal(mine, theirs, same):
    one = served(0, answers=(mine, 1.0), rows=2)
    assert differs(one, theirs, 1.0) == (not same, False)


def test_a_tolerance_of_nothing_takes_nothing_but_the_same_number():
    assert differs(served(0, answers=(0.1 + 0.2,)), 0.3, tolerance=0.0) == (True,)
    assert differs(served(0, answers=(0.3,)), 0.3, tolerance=0.0) == (False,)


def test_the_distance_is_that_of_numbers():
    one = served(0, answers=(1.0, "x", 5.0), rows=3)
    assert pairing.compared(NEAR, one, copied(one, 1.5, "y", 2.0)).distances == (0.5, 0.0, 3.0)


def test_numbers_at_the_ends_of_all_are_a_number_apart():
    one = served(0, answers=(1.7e308,))
    found = pairing.compared(NEAR, one, copied(one, -1.7e308))
    assert found.differs == (True,)
    assert found.distances[0] < float("inf")


def test_another_number_of_rows_differs_everywhere():
    one = served(0, answers=(1.0, 2.0), rows=2)
    assert differs(one, 1.0, rows=1) == (True, True)
    assert differs(one, 1.0, 2.0, 3.0, rows=3) == (True, True)


def test_answers_that_were_cut_short_are_compared_as_far_as_they_go():
    one = served(0, answers=(1.0, 2.0), rows=4)
    assert differs(one, 1.0, 2.0, 9.0, rows=4) == (False, False, False, False)
    assert differs(one, 1.0, 9.0, 9.0, rows=4) == (False, True, False, False)


def test_a_copy_that_was_not_answered_has_failed_and_differs():
    one = served(0, answers=(1.0, 2.0), rows=2)
    found = pairing.compared(NEAR, one, failed(one))
    assert (found.differs, found.failed, found.distances) == ((True, True), True, (0.0, 0.0))


def test_what_was_not_answered_well_and_what_failed_with_another_are_no_pairs():
    one = served(0)
    assert pairing.is_pair(one, copied(one))
    assert pairing.is_pair(one, failed(one, marks.Mark.TIMEOUT))
    assert not any(pairing.is_pair(one, failed(one, mark)) for mark in marks.NEUTRAL)
    ill = [served(0, mark=mark) for mark in marks.Mark if mark != marks.Mark.OK]
    assert not any(pairing.is_pair(one, copied(one, mark=marks.Mark.OK)) for one in ill)


@pytest.mark.parametrize(
    ("output", "same"),
    [
        (b'{"predictions":[[1.0,2.05]],"version":"v2","prediction_id":"other"}', True),
        (b'{"predictions":[[1.0,2.5]],"version":"v1"}', False),
        (b'{"predictions":[[1.0,2.0],[1.0,2.0]],"version":"v1"}', False),
        (b'{"predictions":[[1.0,true]]}', False),
        (b'{"outputs":[]}', False),
        (b"\xff\x00", False),
    ],
)
def test_answers_without_one_value_a_row_are_compared_by_their_bodies(output, same):
    one = served(0, answers=(None,), output=b'{"predictions":[[1.0,2.0]],"version":"v1","prediction_id":"x"}')
    assert differs(one, None, output=output) == (not same,)


def test_a_slice_counts_its_own_rows_and_a_request_is_one_pair():
    one = served(0, answers=(1.0, 2.0, 3.0), rows=3)
    found = pairing.compared(NEAR, one, copied(one, 1.0, 2.0, 7.0))
    whole, first, last = pairing.Count(), pairing.Count(), pairing.Count()
    whole.add(found, None)
    first.add(found, (0, 1))
    last.add(found, (2,))
    assert whole.shown("") == sums.PairSum("", 1, 1, 0, 4.0)
    assert first.shown("a=1") == sums.PairSum("a=1", 1, 0, 0, 0.0)
    assert last.shown("a=2") == sums.PairSum("a=2", 1, 1, 0, 4.0)


@pytest.mark.parametrize(
    ("mine", "theirs", "label", "wronged"),
    [
        (0.9, 0.1, 1.0, pairing.COPY_ONLY),
        (0.9, 0.1, 0.0, pairing.SERVED_ONLY),
        (0.9, 0.8, 0.0, pairing.NEITHER),
        (0.9, 0.8, 1.0, pairing.NEITHER),
        (0.9, None, 1.0, pairing.NEITHER),
    ],
)
def test_an_outcome_says_which_of_the_two_alone_was_wrong(mine, theirs, label, wronged):
    told = pairing.Given((mine,), (theirs,), failed=False)
    assert pairing.wronged(tables.Outcomes(), told, [outcomes.Heard(0, 1, label, 0)]) == wronged
    assert pairing.wronged(tables.Outcomes(), told, []) == pairing.NEITHER


def test_a_copy_that_failed_was_not_right_and_only_a_slices_own_rows_speak_for_it():
    failing = pairing.Given((0.9, 0.1), (), failed=True)
    heard = [outcomes.Heard(0, 1, 1.0, 0)]
    assert pairing.wronged(tables.Outcomes(), failing, heard) == pairing.COPY_ONLY
    assert pairing.wronged(tables.Outcomes(), failing, heard, (1,)) == pairing.NEITHER


def test_requests_are_the_same_by_input_and_minute_and_never_without_an_input():
    one = served(0)
    assert pairing.sameness(one) == pairing.sameness(served(0, 19.0))
    assert pairing.sameness(one) != pairing.sameness(served(0, 61.0))
    assert pairing.sameness(one) != pairing.sameness(served(1))
    assert pairing.sameness(served(0, input=b""))[1] == b""
