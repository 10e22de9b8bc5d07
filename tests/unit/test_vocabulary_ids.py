"""Ids of a time: the least and the greatest that may be minted in it, and none beside it."""

from tidegate.core.vocabulary import ids

AT = 1_770_000_000.123
MOST = (1 << 74) - 1


def test_the_ids_between_two_times_are_those_minted_in_them_ends_included() -> None:
    least, most = ids.between(AT, AT + 1)
    first, last = int(AT * 1e3), int((AT + 1) * 1e3)
    inside = [ids.uuid7(at, chance) for at in (first, first + 1, last) for chance in (0, 1 << 62, MOST)]
    assert all(least <= one <= most for one in inside)
    assert ids.uuid7(first - 1, MOST) < least
    assert most < ids.uuid7(last + 1, 0)


def test_before_1970_there_are_none() -> None:
    assert ids.between(-5.0, AT)[0] == ids.uuid7(0, 0)


def test_they_are_ids_that_can_be_shown_and_read() -> None:
    for one in ids.between(AT, AT):
        assert ids.parse(ids.text(one)) == one
        assert ids.milliseconds(one) == int(AT * 1e3)
