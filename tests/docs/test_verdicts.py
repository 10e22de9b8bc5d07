"""docs/verdicts.md says what the ledger does."""

import pathlib
import re

import msgspec

from tidegate.core.decide import ledger
from tidegate.core.spec import rules
from tidegate.core.vocabulary import losses, releases, verdicts

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "verdicts.md").read_text()
NEW, OLD = (releases.Version("e", ordinal, "d", "m", "x") for ordinal in (2, 1))
RELEASE = releases.Release("r", "production", "e", NEW, OLD, "canary", (), releases.Policy(label_age=60.0), b"s", 0.0)


def test_every_metric_is_there_with_its_part():
    told = {name: float(part) for name, part in re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) \|$", PAGE, re.MULTILINE)}
    parts = {}
    for kind in losses.KINDS:
        policy = msgspec.structs.replace(RELEASE.policy, loss=kind)
        for line in ledger.lines(msgspec.structs.replace(RELEASE, policy=policy)):
            parts |= line.weights
    assert told == parts


def test_the_parts_of_alpha_are_those_of_the_ledger():
    shares = {line.group: line.share for line in ledger.lines(RELEASE)}
    sliced = msgspec.structs.replace(RELEASE, policy=msgspec.structs.replace(RELEASE.policy, slices=("region",)))
    assert (shares["immediate"], shares["labels"]) == (0.8, 0.2)
    assert {line.group: line.share for line in ledger.lines(sliced)}["slices"] == 0.1


def test_every_rule_can_be_written_as_it_stands_there():
    found = re.findall(r"`((?:errors|wrong|score|p90) <= [^`]+)`", PAGE)
    assert len(found) == 4
    given = rules.margins(found)
    default = releases.Policy()
    assert (given.errors, given.wrong, given.score) == (default.error_margin, default.label_margin, default.score_margin)
    assert given.times == default.time_margins


def test_every_result_is_explained():
    assert {one.value for one in verdicts.Result} == {name.lower() for name in re.findall(r"^\| ([A-Z]+) \|", PAGE, re.MULTILINE)}
