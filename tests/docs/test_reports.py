"""docs/reports.md tells of every part of a report, in order; its commands are those that there are."""

import pathlib
import re

from tests.docs import tables

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reports.md").read_text()
TEMPLATE = (ROOT / "src" / "tidegate" / "observability" / "report" / "templates" / "report.html").read_text()


def test_every_part_is_on_the_page_in_its_order():
    told = re.findall(r"^\| ([A-Z][^|]+?) \|", PAGE, re.MULTILINE)
    assert told == re.findall(r"<h2>([^<]+)</h2>", TEMPLATE)


def test_every_command_has_the_flags_that_there_are():
    command = tables.typer.main.get_command(tables.main.build("report")).commands["report"]
    known = {spelt for parameter in command.params for spelt in parameter.opts}
    lines = re.findall(r"^tidegate report .*$", PAGE, re.MULTILINE)
    assert lines
    for line in lines:
        assert {word for word in line.split() if word.startswith("--")} <= known
