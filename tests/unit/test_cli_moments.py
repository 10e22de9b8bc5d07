"""Times as people write them."""

import datetime as dt

import pytest

from tidegate.core.vocabulary import errors
from tidegate.interface.cli import moments

NOW = 1_700_000_000.0


def test_a_time_is_so_long_ago_or_a_date():
    assert moments.moment("now", NOW, "--to") == NOW
    assert moments.moment("1h30m", NOW, "--from") == NOW - 5_400
    assert moments.moment("2023-11-14T22:13:20+00:00", NOW, "--from") == NOW
    assert moments.moment("2023-11-14T22:13:20", NOW, "--from") == dt.datetime(2023, 11, 14, 22, 13, 20).astimezone().timestamp()


@pytest.mark.parametrize("text", ["yesterday", "", "5", "2023-13-01"])
def test_anything_else_is_refused_with_its_option(text):
    with pytest.raises(errors.SpecInvalid) as refused:
        moments.moment(text, NOW, "--from")
    assert refused.value.where == "--from"
