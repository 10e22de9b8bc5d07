"""docs/privacy.md says what is done."""

import pathlib
import re
import shlex

import pytest

from tests.docs import tables
from tidegate.core.spec import file
from tidegate.dataplane.gateway import process
from tidegate.observability.recording import recorder

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "privacy.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_an_example_on_the_page_is_a_file_that_loads(example: str):
    assert file.resolve(file.load(example)).log.veiled


def test_segments_live_no_longer_than_it_says():
    ended, gone = (int(one) for one in re.findall(r"(?:ended after|within) (\d+) s", PAGE))
    assert ended == process.DISCREET_SECONDS
    assert gone >= ended + recorder.FLUSH_SECONDS + recorder.UPKEEP_SECONDS


@pytest.mark.parametrize("line", re.findall(r"^tidegate .*$", PAGE, re.MULTILINE))
def test_every_command_is_one_with_the_flags_that_it_has(line: str):
    _, name, *words = shlex.split(line)
    command = tables.typer.main.get_command(tables.main.build(name)).commands[name]
    command.make_context(name, words, resilient_parsing=True)
    flags = {spelt for parameter in command.params for spelt in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= flags
