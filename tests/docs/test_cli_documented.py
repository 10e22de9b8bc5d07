"""The pages about the command line and the errors say what the program says."""

import pytest

from tests.docs import tables
from tidegate.core.vocabulary import codes
from tidegate.interface.cli import exits, main, table


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_tables_are_those_of_the_program(page):
    text = (tables.DOCS / page).read_text()
    assert text == tables.expected(page), "run: python -m tests.docs.tables"


def test_every_command_and_every_flag_is_on_the_page():
    text = (tables.DOCS / "cli.md").read_text()
    group = tables.typer.main.get_command(tables.main.build("*"))
    assert set(group.commands) == set(table.COMMANDS)
    for name, command in group.commands.items():
        assert f"### tidegate {name}" in text
        for parameter in command.params:
            assert all(f"`{spelt}`" in text for spelt in parameter.opts if spelt.startswith("-")), (name, parameter.opts)


def test_the_help_has_a_line_of_each_command_below_what_it_is_for(capsys):
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    for part, names in table.PARTS.items():
        first = shown.index(f"{part}:") + 1
        assert [line.split()[0] for line in shown[first : first + len(names)]] == list(names)
        assert shown[first + len(names)] == "", "some line is too long"


def test_every_error_code_is_on_the_page():
    text = (tables.DOCS / "errors.md").read_text()
    for kind in codes.tree():
        assert f"`{kind.code}`" in text


def test_every_exit_code_is_in_the_help():
    for code in exits.Exit:
        assert f"{int(code)} " in tables.main.EPILOG
