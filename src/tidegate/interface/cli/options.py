"""Options that several commands have, so that they mean and read the same everywhere."""

import re
from typing import Annotated

import typer

from tidegate.core.vocabulary import errors, home

Home = Annotated[
    str, typer.Option("--home", help="Where this Tidegate keeps everything; else TIDEGATE_HOME, else .tidegate here or above.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the event log.")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint; not needed when there is only one.", show_default=False)]


def place(given: str) -> home.Home:
    """The home a command works on."""
    return home.find(given)


def ordinal(shown: str) -> int | None:
    """The ordinal of v3 or 3; None for "". Raises VersionUnknown."""
    if not shown:
        return None
    found = re.fullmatch(r"v?([1-9][0-9]{0,8})", shown)
    if found is None:
        raise errors.VersionUnknown(f"{shown!r} is not a version.", cure="Write v1, v2, ...")
    return int(found[1])
