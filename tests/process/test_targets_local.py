"""This machine as a target, under a real keeper, with stand-ins for workers."""

import os
import signal

import pytest
from keeper_fixtures import IDLE, UNLOADABLE, Keeper, place, until

from tidegate.core.vocabulary import home, instances
from tidegate.dataplane.targets import checks, local, target

__all__ = ["place"]


class Bench:
    def __init__(self, place: home.Home, script: str = IDLE) -> None:
        self.place = place
        self.program = ("{python}", "-c", script)
        self.subject = local.Local(place, self.program)

    def settle(self) -> None:
        until(lambda: all(one.state in {"ready", "draining"} for one in self.subject.observe()))
        until(self._no_strangers)
        until(lambda: not list(self.place.instances.glob(f"*{instances.LEFT}")))

    def again(self) -> target.Target:
        return local.Local(self.place, self.program)

    def _no_strangers(self) -> bool:
        known = {one.instance for one in self.subject.observe()}
        return known == {path.stem for path in self.place.instances.glob("*.lock")} - {"keeper"}


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_this_machine_keeps_what_targets_promise(check: checks.Check, place: home.Home) -> None:
    Keeper(place).up()
    check(Bench(place))


def test_a_killed_worker_is_dead_then_ready_again_and_its_restart_is_counted(place: home.Home) -> None:
    bench = Bench(place)
    keeper = Keeper(place)
    keeper.up()
    bench.subject.ensure(checks.V1, 1)
    bench.settle()
    (before,) = bench.subject.observe()
    keeper.child.send_signal(signal.SIGSTOP)
    os.kill(instances.holder(place.instances, before.instance), signal.SIGKILL)
    until(lambda: bench.subject.observe()[0].state is target.State.DEAD)
    keeper.child.send_signal(signal.SIGCONT)
    until(lambda: bench.subject.observe()[0].state is target.State.READY)
    assert bench.subject.observe()[0].restarts == 1


def test_a_worker_that_cannot_load_is_failed_with_its_own_words_and_stays_so(place: home.Home) -> None:
    bench = Bench(place, UNLOADABLE)
    Keeper(place).up()
    bench.subject.ensure(checks.V1, 1)
    until(lambda: bench.subject.observe()[0].state is target.State.FAILED and bench.subject.observe()[0].restarts == 3)
    (one,) = bench.subject.observe()
    assert (one.code, one.message) == ("model-load-failed", "no")
    until(lambda: instances.read_restarts(place.instances, one.instance)["down"])
    bench.subject.ensure(checks.V1, 1)
    assert [found.instance for found in bench.subject.observe()] == [one.instance]


def test_without_a_keeper_replicas_are_starting_and_can_be_taken_back(place: home.Home) -> None:
    bench = Bench(place)
    bench.subject.ensure(checks.V1, 1)
    assert [one.state for one in bench.subject.observe()] == [target.State.STARTING]
    bench.subject.remove(checks.V1)
    assert not list(place.instances.iterdir())


def test_only_a_worker_beside_others_of_its_endpoint_gives_way_while_it_loads(place: home.Home) -> None:
    subject = local.Local(place, ("{python}", "-c", IDLE))
    subject.ensure(checks.V1, 2)
    subject.ensure(checks.V2, 1)
    specs = [spec for path in place.instances.glob("w-*.json") if (spec := instances.read(path)) is not None]
    assert {(spec.labels["ordinal"], local.LOAD_NICE.items() <= spec.env.items()) for spec in specs} == {
        ("1", False),
        ("2", True),
    }


def test_a_worker_that_has_not_finished_is_seen_until_it_has(place: home.Home) -> None:
    bench = Bench(place)
    keeper = Keeper(place)
    keeper.up()
    bench.subject.ensure(checks.V1, 1)
    bench.settle()
    (one,) = bench.subject.observe()
    os.kill(instances.holder(place.instances, one.instance), signal.SIGSTOP)
    bench.subject.remove(checks.V1)
    for seen in (bench.subject.observe(), bench.again().observe()):
        assert [(same.instance, same.state) for same in seen] == [(one.instance, target.State.DRAINING)]
    bench.subject.ensure(checks.V1, 1)
    until(lambda: sum(same.state is target.State.READY for same in bench.subject.observe()) == 1)
    os.kill(instances.holder(place.instances, one.instance), signal.SIGCONT)
    bench.settle()
    assert one.instance not in {same.instance for same in bench.subject.observe()}
