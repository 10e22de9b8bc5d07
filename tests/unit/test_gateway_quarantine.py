"""Inputs that workers have died of are not tried for ever."""

from tidegate.dataplane.gateway import quarantine


def test_an_input_is_held_after_the_second_death():
    found = quarantine.Quarantine()
    found.died(b"poison", 1.0)
    assert not found.holds(b"poison", 1.0)
    found.died(b"poison", 2.0)
    assert found.holds(b"poison", 2.0)
    assert not found.holds(b"another", 2.0)


def test_one_that_was_answered_after_all_is_suspect_no_more():
    found = quarantine.Quarantine()
    found.died(b"innocent", 1.0)
    found.survived(b"innocent")
    found.died(b"innocent", 2.0)
    assert not found.holds(b"innocent", 2.0)


def test_the_quarantine_ends():
    found = quarantine.Quarantine()
    found.died(b"poison", 1.0)
    found.died(b"poison", 2.0)
    assert not found.holds(b"poison", 3.0 + quarantine.SECONDS)
    assert not found.deaths


def test_only_so_many_are_remembered():
    found = quarantine.Quarantine()
    for number in range(quarantine.MOST + 10):
        found.died(b"%d" % number, 1.0)
    assert len(found.deaths) == quarantine.MOST
