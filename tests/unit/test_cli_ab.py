"""`tidegate ab plan`: how long a test takes, and what cannot be planned."""

import json

import pytest

from tidegate.interface.cli import main


def test_a_plan_says_units_groups_and_days(capsys):
    assert main.run(["ab", "plan", "--effect", "1%", "--share", "12%", "--daily", "5000", "--split", "90/10"]) == 0
    shown = capsys.readouterr().out
    assert "80% of tests" in shown
    assert "Let `ab.horizon` be" in shown
    assert main.run(["ab", "plan", "--effect", "1%", "--share", "12%", "--daily", "5000", "--json"]) == 0
    half, most, nearly_all = json.loads(capsys.readouterr().out)
    assert half["units"] < most["units"] < nearly_all["units"]
    assert most["days"] == -(-most["units"] // 5_000)


def planned(capsys, *given):
    """Units for a test that finds what it is for in 80 % of cases."""
    assert main.run(["ab", "plan", *given, "--json"]) == 0
    return json.loads(capsys.readouterr().out)[1]["units"]


def test_a_covariate_saves_what_it_explains(capsys):
    plain = planned(capsys, "--effect", "0.1", "--deviation", "3")
    assert planned(capsys, "--effect", "0.1", "--deviation", "3", "--correlation", "0.8") == pytest.approx(0.36 * plain, rel=0.3)
    assert planned(capsys, "--effect", "0.1", "--deviation", "3", "--correlation", "-0.8") < plain


def test_what_is_decided_by_betting_is_planned_so(capsys):
    plain = planned(capsys, "--effect", "1%", "--share", "12%")
    assert plain < planned(capsys, "--effect", "1%", "--share", "12%", "--exact") < 2 * plain


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["plan", "--effect", "1%"], "Write --share 12%, or --deviation 3.5."),
        (["plan", "--effect", "1%", "--share", "12%", "--deviation", "2"], "Write --share 12%"),
        (["plan", "--effect", "95%", "--share", "12%"], "is no share"),
        (["plan", "--effect", "0", "--share", "12%"], "lie above 0"),
        (["plan", "--effect", "1%", "--share", "12%", "--split", "60/60"], "comes to 120"),
        (["plan", "--effect", "1", "--deviation", "2", "--exact"], "--exact goes with --share alone"),
        (["plan", "--effect", "1%", "--share", "12%", "--exact", "--correlation", "0.5"], "--exact goes with --share alone"),
        (["begin", "--effect", "1%", "--share", "12%"], "is nothing to do with a test"),
    ],
)
def test_what_cannot_be_planned_is_said_with_its_cure(given, words, capsys):
    assert main.run(["ab", *given]) == 2
    assert words in capsys.readouterr().err
