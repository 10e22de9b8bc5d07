"""docs/alarms.md names commands, kinds, events and numbers that there are; its file loads."""

import pathlib
import re

import pytest

from tests.docs import tables
from tidegate.core.decide import incidents as course
from tidegate.core.spec import file
from tidegate.core.vocabulary import alarms, incidents
from tidegate.interface.cli import table

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "alarms.md").read_text()
COMMANDS = sorted(set(re.findall(r"^tidegate .*$", PAGE, re.MULTILINE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_with_the_flags_that_it_has(line):
    _, name, *words = line.split()
    command = tables.typer.main.get_command(tables.main.build(name)).commands[name]
    assert {word for word in words if word.startswith("--")} <= {spelt for one in command.params for spelt in one.opts}


def test_every_command_that_the_text_names_exists():
    assert set(re.findall(r"`tidegate ([a-z]+)", PAGE)) <= set(table.COMMANDS)


def test_every_kind_action_and_event_is_explained():
    first = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
    assert first == set(alarms.Kind) | set(alarms.Action)
    assert set(re.findall(r"`(alarm(?:_[a-z]+)?)`", PAGE)) == set(incidents.KINDS)


def test_its_file_loads():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert file.resolve(file.load(example)).monitors.performance.action == "rollback"


def test_the_numbers_are_those_of_the_code():
    assert (course.FLAP_SECONDS, course.REMIND_SECONDS, course.LONGEST_SNOOZE) == (600.0, 3_600.0, 30 * 86_400.0)
    assert "back within ten minutes" in PAGE
    assert "every hour" in PAGE
    assert "30 days at most" in PAGE
