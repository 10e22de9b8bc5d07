"""The suite that every target passes: what the four verbs promise, said once.

A target's own tests make a `Bench` and run every function of `ALL` on a fresh one. Nothing here knows which target it is.
"""

from collections.abc import Callable
from typing import Protocol

from tidegate.core.vocabulary import releases
from tidegate.dataplane.targets import target

V1 = releases.Version("flight-delay", 1, "d" * 64, "m" * 64, "mlflow://flight-delay/1")
V2 = releases.Version("flight-delay", 2, "e" * 64, "n" * 64, "mlflow://flight-delay/2")
OTHER = releases.Version("another-endpoint-of-a-long-name", 1, "d" * 64, "m" * 64, "mlflow://other/1")


class Bench(Protocol):
    """A target on trial, on nothing."""

    subject: target.Target

    def settle(self) -> None:
        """Let what the verbs asked for come about: replicas that should be up are ready, removed ones are gone."""

    def again(self) -> target.Target:
        """The target as another process would see it."""


Check = Callable[[Bench], None]


def ensured_replicas_become_ready(bench: Bench) -> None:
    """Each with its version, and a name, an address and a token of its own."""
    bench.subject.ensure(V1, 2)
    assert all(one.state in {target.State.STARTING, target.State.READY} for one in bench.subject.observe())
    bench.settle()
    found = bench.subject.observe()
    assert [one.state for one in found] == [target.State.READY] * 2
    assert {(one.endpoint, one.ordinal, one.digest) for one in found} == {("flight-delay", 1, V1.digest)}
    for own in ("instance", "address", "token"):
        assert len({getattr(one, own) for one in found}) == 2
    assert all(one.address.startswith(("unix:", "tcp:")) for one in found)


def ensuring_twice_is_ensuring_once(bench: Bench) -> None:
    """And observing changes nothing."""
    bench.subject.ensure(V1, 2)
    before = _names(bench)
    bench.subject.ensure(V1, 2)
    bench.settle()
    bench.subject.ensure(V1, 2)
    assert _names(bench) == before == _names(bench)


def ensuring_more_or_fewer_keeps_who_can_stay(bench: Bench) -> None:
    """A bigger number adds, a smaller one takes away, zero leaves none."""
    bench.subject.ensure(V1, 1)
    bench.settle()
    first = _names(bench)
    bench.subject.ensure(V1, 3)
    bench.settle()
    more = _names(bench)
    assert first < more
    assert len(more) == 3
    bench.subject.ensure(V1, 1)
    bench.settle()
    assert len(_names(bench)) == 1
    assert _names(bench) < more
    bench.subject.ensure(V1, 0)
    bench.settle()
    assert not _names(bench)


def those_not_ready_go_first(bench: Bench) -> None:
    """A replica that answers is worth more than one that is still coming up."""
    bench.subject.ensure(V1, 1)
    bench.settle()
    ready = _names(bench)
    bench.subject.ensure(V1, 2)
    bench.subject.ensure(V1, 1)
    bench.settle()
    assert _names(bench) == ready


def versions_leave_each_other_alone(bench: Bench) -> None:
    """Whether of one endpoint or of two."""
    for version in (V1, V2, OTHER):
        bench.subject.ensure(version, 1)
    bench.settle()
    bench.subject.remove(V2)
    bench.subject.drain(OTHER)
    bench.settle()
    found = {(one.endpoint, one.ordinal): one.state for one in bench.subject.observe()}
    assert found == {("flight-delay", 1): target.State.READY, (OTHER.endpoint, 1): target.State.DRAINING}


def drained_replicas_stay_and_are_taken_back(bench: Bench) -> None:
    """Until they are removed: a rollback may want them at once."""
    bench.subject.ensure(V1, 2)
    bench.settle()
    before = bench.subject.observe()
    bench.subject.drain(V1)
    bench.subject.drain(V1)
    bench.settle()
    assert [one.state for one in bench.subject.observe()] == [target.State.DRAINING] * 2
    bench.subject.ensure(V1, 2)
    assert bench.subject.observe() == before


def removed_replicas_are_gone(bench: Bench) -> None:
    """Drained before or not; removing what is not there is nothing."""
    bench.subject.ensure(V1, 1)
    bench.subject.ensure(V2, 1)
    bench.settle()
    bench.subject.drain(V1)
    for _ in range(2):
        bench.subject.remove(V1)
        bench.subject.remove(V2)
    bench.settle()
    assert bench.subject.observe() == ()
    bench.subject.drain(V1)
    assert bench.subject.observe() == ()


def a_restarted_replica_is_the_same_one_again(bench: Bench) -> None:
    """With one restart more, for the reason given; the others notice nothing."""
    bench.subject.ensure(V1, 2)
    bench.settle()
    first, other = bench.subject.observe()
    bench.subject.restart(first.instance, "silent for 9 s")
    bench.subject.restart("nobody", "silent for 9 s")
    assert bench.subject.observe()[0].state is not target.State.READY
    bench.settle()
    again, beside = bench.subject.observe()
    assert (again.instance, again.address, again.token) == (first.instance, first.address, first.token)
    assert (again.restarts, again.why) == (first.restarts + 1, "silent for 9 s")
    assert beside == other


def another_process_sees_the_same(bench: Bench) -> None:
    """So a successor of control may go on where it left."""
    bench.subject.ensure(V1, 2)
    bench.settle()
    assert bench.again().observe() == bench.subject.observe()
    bench.again().ensure(V1, 2)
    assert bench.again().observe() == bench.subject.observe()


def a_dismissed_replica_is_gone_and_the_others_stay(bench: Bench) -> None:
    """No other takes its place until one is asked for; dismissing what is not there is nothing."""
    bench.subject.ensure(V1, 2)
    bench.settle()
    before = _names(bench)
    gone = min(before)
    for _ in range(2):
        bench.subject.dismiss(gone)
    bench.settle()
    assert _names(bench) == before - {gone}
    bench.subject.ensure(V1, 2)
    assert len(_names(bench)) == 2
    assert gone not in _names(bench)


ALL: tuple[Check, ...] = (
    a_dismissed_replica_is_gone_and_the_others_stay,
    ensured_replicas_become_ready,
    ensuring_twice_is_ensuring_once,
    ensuring_more_or_fewer_keeps_who_can_stay,
    those_not_ready_go_first,
    versions_leave_each_other_alone,
    drained_replicas_stay_and_are_taken_back,
    removed_replicas_are_gone,
    a_restarted_replica_is_the_same_one_again,
    another_process_sees_the_same,
)


def _names(bench: Bench) -> set[str]:
    return {one.instance for one in bench.subject.observe()}
