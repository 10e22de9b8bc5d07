"""When a process that ended may begin again."""

import pathlib

import pytest

from tidegate.control.loop.keeper import histories
from tidegate.core.vocabulary import instances

SPEC = instances.Spec("w-1", "worker", ("{python}",), "token")


def after(*ends: tuple[int | None, float], restart: str = "always") -> histories.History:
    history = histories.History("token")
    for code, lived in ends:
        history = history.ended(code, lived, restart)
    return history


def test_who_has_not_ended_may_begin_at_once() -> None:
    assert histories.History("token").pause("worker") == 0.0


@pytest.mark.parametrize(("crashes", "pause"), [(1, 0.1), (2, 0.2), (3, 0.4), (9, 25.6), (10, 30.0), (5000, 30.0)])
def test_each_crash_in_a_row_doubles_the_pause_up_to_half_a_minute(crashes: int, pause: float) -> None:
    history = after(*[(-9, 1.0)] * crashes)
    assert history.pause("worker") == pytest.approx(pause)
    assert (history.restarts, history.exit, history.down) == (crashes, -9, False)


@pytest.mark.parametrize(("crashes", "pause"), [(1, 0.1), (4, 0.8), (5, 1.6), (5000, 1.6)])
def test_what_answers_clients_or_decides_is_never_away_for_long(crashes: int, pause: float) -> None:
    assert after(*[(-9, 1.0)] * crashes).pause("control") == pytest.approx(pause)


def test_a_minute_of_life_makes_the_next_pause_short_again() -> None:
    assert after(*[(1, 1.0)] * 8, (1, 60.0)).pause("control") == pytest.approx(0.1)


def test_a_model_that_does_not_load_is_given_up_after_three_more_tries() -> None:
    assert [after(*[(3, 1.0)] * ends).down for ends in (1, 2, 3, 4)] == [False, False, False, True]
    assert after(*[(3, 1.0)] * 4).restarts == 3


def test_only_failures_in_a_row_count_towards_giving_up() -> None:
    assert not after(*[(3, 1.0)] * 3, (-9, 1.0), *[(3, 1.0)] * 3).down


def test_what_runs_once_is_not_started_again_however_it_ended() -> None:
    assert [after((code, 1.0), restart="never").down for code in (0, 1, None)] == [True] * 3


def test_a_successor_reads_what_was_left_for_the_same_token_only(tmp_path: pathlib.Path) -> None:
    histories.write(tmp_path, "w-1", after(*[(3, 1.0)] * 4))
    assert histories.read(tmp_path, SPEC) == histories.History("token", restarts=3, failures=4, exit=3, down=True)
    other = instances.Spec("w-1", "worker", ("{python}",), "another")
    assert histories.read(tmp_path, other) == histories.History("another")


def test_what_runs_once_and_has_spoken_has_run(tmp_path: pathlib.Path) -> None:
    once = instances.Spec("job-1", "job", ("{python}",), "token", restart="never")
    assert not histories.read(tmp_path, once).down
    instances.write_json(tmp_path / "job-1.state", {"token": "token", "state": "loading"})
    assert histories.read(tmp_path, once).down
