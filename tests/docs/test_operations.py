"""docs/operations.md names commands, flags and settings that there are; its file loads."""

import pathlib
import re

import pytest

from tests.docs import tables
from tidegate.core.spec import file
from tidegate.interface.cli import table

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "operations.md").read_text()
COMMANDS = sorted(set(re.findall(r"^tidegate .*$", PAGE, re.MULTILINE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_with_the_flags_that_it_has(line):
    _, name, *words = line.split()
    group = tables.typer.main.get_command(tables.main.build(name))
    command = group.commands[name]
    flags = {spelt for parameter in command.params for spelt in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= flags
    command.make_context(name, list(words), resilient_parsing=True)


def test_every_command_that_the_text_names_exists():
    assert set(re.findall(r"`tidegate ([a-z]+)", PAGE)) <= set(table.COMMANDS)


def test_its_file_loads():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert file.resolve(file.load(example)).scale_to_zero == 900.0
