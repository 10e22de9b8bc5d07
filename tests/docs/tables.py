"""The tables in docs/cli.md and docs/errors.md, written from the program itself: `python -m tests.docs.tables` rewrites them.

What stands between the markers is generated; the rest of each page is written by hand. A test compares.
"""

import pathlib
import re
import sys
from typing import Any

import typer

from tidegate.core.vocabulary import codes, errors
from tidegate.interface.cli import exits, main, table

DOCS = pathlib.Path(__file__).parent.parent.parent / "docs"
BEGIN, END = "<!-- generated: python -m tests.docs.tables -->", "<!-- end -->"


def commands() -> str:
    """Every command with its words, arguments and options, and the exit codes."""
    group: Any = typer.main.get_command(main.build("*"))
    parts = [
        f"## {part}\n\n" + "\n".join(_command(name, group.commands[name]) for name in names)
        for part, names in table.PARTS.items()
    ]
    return "\n".join([_exits(), *parts])


def _exits() -> str:
    source = pathlib.Path(exits.__file__).read_text()
    words = dict(re.findall(r'    ([A-Z_]+) = \d+\n    """(.+?)"""', source))
    rows = [f"| {int(code)} | {words[code.name]} |" for code in exits.Exit]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows, ""])


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    shown = " ".join(f"[{_metavar(one)}]" if not one.required else _metavar(one) for one in arguments)
    lines = [f"### tidegate {name}{f' {shown}' if shown else ''}", " ".join(command.help.split()), ""]
    rows = [(f"`{_metavar(one)}`", one.help or "", "") for one in arguments]
    rows += [(_spelt(one), one.help or "", _default(one)) for one in options]
    if rows:
        lines += ["| | | default |", "|---|---|---|", *(f"| {left} | {words} | {default} |" for left, words, default in rows), ""]
    return "\n".join(lines)


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name).upper()


def _spelt(option: Any) -> str:
    return ", ".join(f"`{one}`" for one in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    value = option.default
    return "" if value in (None, False, "", -1) else f"`{value}`"


def codes_table() -> str:
    """Every error code: its meaning with its cure, whose affair it is, the HTTP status, the exit code."""
    rows = []
    for one in codes.tree():
        cells = (f"`{one.code}`", _words(one), one.fault, one.status, int(exits.of_error(one())), "yes" if one.retryable else "")
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(["| code | meaning and cure | fault | HTTP | exit | retryable |", "|---|---|---|---|---|---|", *rows, ""])


def _words(kind: type[errors.TidegateError]) -> str:
    return " ".join((kind.__doc__ or "").split()).replace("|", "\\|")


PAGES = {"cli.md": commands, "errors.md": codes_table}


def expected(name: str) -> str:
    """The page as it should be."""
    text = (DOCS / name).read_text()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{PAGES[name]()}\n{END}{after}"


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(expected(page))
        sys.stdout.write(f"docs/{page}\n")
