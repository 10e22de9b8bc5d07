"""What is said of outcomes that were accepted."""

from tidegate.interface.cli.views import rejected
from tidegate.observability.joining import fates


def test_what_was_joined_comes_first_then_what_was_put_aside_and_why_then_what_waits():
    found = list(rejected.fate(1_010, fates.Fate(1_000, 3, {"type": 2, "clock": 5})))
    assert found == [
        "1,010 outcomes accepted: 1,000 joined to their predictions",
        "  5 put aside: its time lies ahead of ours",
        "  2 put aside: the label cannot be held against the answer: it is of another type",
        "  3 without a prediction so far: they are put aside after a minute",
        "`tidegate feedback --rejected` lists what was put aside, and why",
    ]


def test_where_all_came_right_it_is_one_line_and_where_nobody_waited_it_says_how_to_see():
    assert list(rejected.fate(1, fates.Fate(1, 0))) == ["1 outcome accepted: 1 joined to their predictions"]
    (unwaited,) = rejected.fate(1, None)
    assert unwaited.startswith("1 outcome accepted; ")
    assert "--rejected" in unwaited
