"""Whose turn it is: harm first, then whoever has waited longest, within the time that a tick has."""

import msgspec
import pytest

from tidegate.control.loop import turns
from tidegate.core.vocabulary import releases, sums
from tidegate.core.vocabulary.phases import Phase

STAGES = (releases.Stage("half", 5_000), releases.Stage("all", 10_000))
NOW = 1_000_000.0


class Glance:
    """Alarmed where the sums that it is shown say so."""

    since = 60

    def __init__(self) -> None:
        self.asked = 0

    def alarmed(self, rows, closed_before) -> bool:
        self.asked += 1
        return bool(rows) and closed_before > 0


def release(name: str, phase: Phase = Phase.RUNNING, **more) -> releases.Release:
    new, old = (releases.Version(name, ordinal, "d", "m", "x") for ordinal in (2, 1))
    given = (name, "production", name, new, old, "canary", STAGES, releases.Policy(), b"s", 0.0)
    return releases.Release(*given, phase=phase, phase_since=NOW - 100.0, **more)


def recent(harmful: set[str]):
    return lambda name, since: sums.Inputs(("harm",) if name in harmful else (), since)


def test_a_quiet_release_is_judged_once_a_second_and_a_harmful_one_at_once():
    one, found = release("r1"), turns.Turns()
    assert found.choose([one], NOW, recent(set())) == {"r1"}
    found.looked(one, NOW, Glance(), 0.001)
    assert found.choose([one], NOW + 0.2, recent(set())) == set()
    assert found.choose([one], NOW + 0.4, recent({"r1"})) == {"r1"}
    assert found.choose([one], NOW + turns.LOOK_SECONDS, recent(set())) == {"r1"}
    assert found.choose([one], NOW - 3_600, recent(set())) == {"r1"}, "a clock set back keeps nobody from being judged"
    assert found.choose([msgspec.structs.replace(one, stage=1)], NOW + 0.2, recent(set())) == {"r1"}
    found.forget("r1")
    assert found.choose([one], NOW + 0.2, recent(set())) == {"r1"}


def test_what_cannot_be_glanced_at_is_judged_at_every_tick_and_takes_no_glance_from_others():
    found, dull, plain = turns.Turns(), [release(f"d{at}") for at in range(40)], [release(f"p{at}") for at in range(10)]
    glances = {one.id: Glance() for one in plain}
    for one in (*dull, *plain):
        found.looked(one, NOW, glances.get(one.id), 0.004)
    found._glance_cost.add(0.0004)
    for tick in range(1, 5):
        chosen = found.choose([*dull, *plain], NOW + 0.2 * tick, recent(set()))
        assert len(chosen) == 1
        assert chosen.pop().startswith("d")
    assert {one.asked for one in glances.values()} == {4}


@pytest.mark.parametrize("afforded", [1, 3])
def test_of_too_many_the_harmful_come_first_and_then_those_that_have_waited_longest(afforded):
    found, many = turns.Turns(), [release(f"r{at}") for at in range(8)]
    for at, one in enumerate(many):
        found.looked(one, NOW - 10 - at, Glance(), turns.JUDGING_SECONDS / (afforded + 0.5))
    found._glance_cost.add(1e-6)
    assert found.choose(many, NOW, recent(set())) == {f"r{7 - at}" for at in range(afforded)}
    assert "r2" in found.choose(many, NOW, recent({"r2"}))


def test_one_that_is_alarmed_for_ever_keeps_nobody_from_their_turn():
    found, ill, others = turns.Turns(), release("ill"), [release(f"r{at}") for at in range(4)]
    for one in (ill, *others):
        found.looked(one, NOW, Glance(), turns.JUDGING_SECONDS)
    found._glance_cost.add(1e-6)
    seen = set()
    for tick in range(1, 40):
        now = NOW + 0.2 * tick
        for name in found.choose([ill, *others], now, recent({"ill"})):
            seen.add(name)
            one = next(each for each in (ill, *others) if each.id == name)
            found.looked(one, now, Glance(), turns.JUDGING_SECONDS)
    assert seen == {"ill", "r0", "r1", "r2", "r3"}


def test_a_clock_that_is_set_back_makes_everybody_wait_alike():
    found, many = turns.Turns(), [release(f"r{at}") for at in range(4)]
    for one in many:
        found.looked(one, NOW, Glance(), turns.JUDGING_SECONDS)
    seen = set()
    for tick in range(8):
        now = NOW - 3_600 + 0.2 * tick
        for name in found.choose(many, now, recent(set())):
            seen.add(name)
            found.looked(many[int(name[1:])], now, Glance(), turns.JUDGING_SECONDS)
    assert seen == {"r0", "r1", "r2", "r3"}


def test_a_glance_that_fails_has_its_release_looked_at_whole():
    class Broken(Glance):
        def alarmed(self, rows, closed_before) -> bool:
            raise ZeroDivisionError

    one, found = release("r1"), turns.Turns()
    found.looked(one, NOW, Broken(), 0.001)
    assert found.choose([one], NOW + 0.2, recent(set())) == {"r1"}


def test_a_glance_is_taken_of_as_many_as_there_is_time_for_each_in_its_turn():
    found, many = turns.Turns(), [release(f"r{at}") for at in range(6)]
    glances = [Glance() for _ in many]
    for one, left in zip(many, glances, strict=True):
        found.looked(one, NOW, left, 1e-4)
    found._glance_cost.add(turns.GLANCING_SECONDS / 2.5)
    for tick in range(3):
        found._glance_cost.seconds = turns.GLANCING_SECONDS / 2.5
        found.choose(many, NOW + 0.2 + 0.1 * tick, recent(set()))
    assert [one.asked for one in glances] == [1] * 6


def test_a_probation_is_judged_less_often_the_longer_it_lasts():
    young, found = release("r1", Phase.PROBATION), turns.Turns()
    old = msgspec.structs.replace(young, phase_since=NOW - 86_400)
    found.looked(young, NOW, None, 0.001)
    assert [found.due(young, NOW + after) for after in (0.5, 1.0)] == [False, True]
    assert [found.due(old, NOW + after) for after in (59.0, 60.0)] == [False, True]


def test_who_has_nothing_to_be_compared_with_has_no_turn():
    one = release("r1")
    assert not turns.Turns().due(msgspec.structs.replace(one, stable=None), NOW)
    assert not turns.Turns().due(msgspec.structs.replace(one, phase=Phase.WARMING), NOW)
