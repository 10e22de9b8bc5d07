"""`tidegate doctor`."""

import typer
from rich import text

from tidegate.interface.cli import examinations, exits, options, screen

_SIGNS = {"ok": ("ok  ", "green"), "warning": ("note", "yellow"), "bad": ("BAD ", "bold red")}


def doctor(as_json: options.Json = False, home: options.Home = "") -> None:
    """Check this machine: Python, ports, disk, the home's permissions, limits, what is installed. Ends with 1 when something
    will not work.
    """
    found = examinations.examine(options.place(home))
    if as_json:
        screen.document([{"what": one.what, "state": one.state, "said": one.said, "cure": one.cure} for one in found])
    else:
        terminal = screen.out()
        for one in found:
            sign, style = _SIGNS[one.state]
            line = text.Text.assemble((sign, style), f" {one.what:<12} {one.said}")
            if one.cure:
                line.append(f"  -> {one.cure}")
            terminal.print(line)
    if any(one.state == "bad" for one in found):
        raise typer.Exit(exits.Exit.UNEXPECTED)
