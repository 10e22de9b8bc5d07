"""The target in memory passes the suite that every target passes (this machine's does in tests/process)."""

import pytest

from tidegate.dataplane.targets import checks, fake, target


class Bench:
    def __init__(self) -> None:
        self.subject = fake.Fake()

    def settle(self) -> None:
        self.subject.settle()

    def again(self) -> target.Target:
        return self.subject


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_the_fake_keeps_what_targets_promise(check: checks.Check) -> None:
    check(Bench())


def test_a_replica_that_died_counts_its_restart_and_comes_up_again() -> None:
    place = fake.Fake()
    place.ensure(checks.V1, 1)
    place.settle()
    (one,) = place.observe()
    place.becomes(one.instance, target.State.DEAD)
    place.settle()
    (one,) = place.observe()
    assert (one.state, one.restarts) == (target.State.READY, 1)
