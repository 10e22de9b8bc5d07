"""When a queue becomes a batch: the fitted latency, who is waited for, when a second batch lies ready."""

import math

import pytest

from tidegate.dataplane.gateway import batching


def learned(pairs):
    latency = batching.Latency()
    for rows, seconds in pairs:
        latency.learn(rows, seconds)
    return latency


def test_a_line_is_found_from_batches_of_different_sizes():
    latency = learned((rows, 0.004 + 0.0005 * rows) for rows in (1, 8, 3, 16, 2, 30, 5, 12) * 4)
    assert latency.fixed == pytest.approx(0.004, rel=0.01)
    assert latency.each == pytest.approx(0.0005, rel=0.01)


def test_batches_all_of_one_size_say_nothing_of_the_slope():
    latency = learned([(8, 0.002)] * 50)
    assert (latency.fixed, latency.each) == (pytest.approx(0.002), 0.0)
    assert latency.room(0.0001) == math.inf


def test_a_falling_line_is_taken_for_a_flat_one():
    latency = learned((rows, 0.01 / rows) for rows in (1, 2, 4, 8) * 10)
    assert latency.each == 0.0


def test_a_model_that_has_become_slower_is_known_after_some_batches():
    latency = learned([(rows, 0.001) for rows in (1, 9)] * 50 + [(rows, 0.020) for rows in (1, 9)] * 40)
    assert latency.fixed == pytest.approx(0.020, rel=0.05)


def test_room_shrinks_with_the_time_left_and_with_unsteadiness():
    steady = learned((rows, 0.001 + 0.001 * rows) for rows in (1, 5, 9) * 30)
    assert steady.room(0.021) == pytest.approx(20, abs=1)
    assert steady.room(0.0005) < 0
    unsteady = learned((rows, 0.001 + 0.001 * rows + 0.004 * (turn % 2)) for turn, rows in enumerate((1, 5, 9) * 30))
    assert unsteady.room(0.021) < steady.room(0.021) - 5


def closed_loop(pace, clients, rounds, back=0.0001):
    """Clients who come back at once, one after the other; returns the sizes of the batches that were sent."""
    now, sizes, queued = 100.0, [], 0
    coming = [now] * clients
    while len(sizes) < rounds:
        while coming and coming[0] <= now:
            pace.came(coming.pop(0))
            queued += 1
        if not queued or pace.wait(queued, now):
            now += back / 4
            continue
        sent, queued, done = queued, 0, now + 0.008
        while coming and coming[0] <= done:
            pace.came(coming.pop(0))
            queued += 1
        now = done
        sizes.append(sent)
        coming = sorted([*coming, *(now + back * (number + 1) for number in range(sent))])
        pace.answered(sent, sent, 0.008, 600 * sent)
        pace.rest(queued, now)
    return sizes


def test_clients_who_come_back_at_once_are_waited_for_where_a_call_is_dear():
    sizes = closed_loop(batching.Batching(), 16, 60)
    assert sum(sizes[-20:]) / 20 > 14


def test_one_client_alone_is_never_waited_with():
    assert closed_loop(batching.Batching(), 1, 30) == [1] * 30


def test_strangers_in_a_stream_are_not_waited_for():
    pace, now = batching.Batching(), 100.0
    for _ in range(60):  # 1,000 a second, evenly; a call of 8 ms
        for _ in range(8):
            now += 0.001
            pace.came(now)
        pace.answered(8, 8, 0.008, 8 * 600)
        pace.rest(8, now)
        assert pace.wait(8, now) == 0.0


def test_a_cheap_call_waits_for_nobody():
    pace = batching.Batching()
    for _ in range(40):
        pace.answered(16, 16, 0.0005, 9_600)
        pace.rest(0, 1.0)
        for _ in range(16):
            pace.came(1.00001)
    assert pace.wait(1, 1.00002) == 0.0


def test_a_second_batch_lies_ready_only_while_turning_requests_around_takes_longer_than_a_call():
    pace = batching.Batching()
    for rows in (1, 16) * 20:
        pace.answered(rows, rows, 0.004, 600 * rows)
    pace.turnaround = 0.0001
    assert (pace.share(16, 1), pace.overlaps) == (16, False)
    assert (pace.share(64, 1), pace.overlaps) == (32, True)


def test_a_model_whose_time_is_all_its_rows_gets_halves_at_once():
    pace = batching.Batching()
    for rows in (1, 16) * 20:
        pace.answered(rows, rows, 0.00005 * rows, 600 * rows)
    pace.turnaround = 0.0001
    assert (pace.share(64, 1), pace.overlaps) == (32, True)


def test_what_is_in_hand_is_divided_among_the_workers():
    pace = batching.Batching()
    assert (pace.share(48, 3), pace.overlaps) == (16, False)
    assert batching.Batching().share(1, 4) == 1


def test_rows_are_guessed_from_the_size_of_a_body():
    pace = batching.Batching()
    assert pace.rows(10_000) == 1.0
    for _ in range(50):
        pace.answered(2, 8, 0.001, 4_000)
    assert pace.rows(5_000) == pytest.approx(10)
    assert pace.rows(10) == 1.0
