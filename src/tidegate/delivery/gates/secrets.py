"""Addresses that may hold a password: where they are kept, and words about them without it."""

import os
import pathlib
from collections.abc import Iterable
from urllib import parse

from tidegate.core.vocabulary import errors

_WORDS = 200
_HIDDEN = "***"


def look_up(reference: str) -> str:
    """What env:NAME or file:PATH holds, without white space around; empty where nothing is there, or it cannot be read.

    Raises ValueError for what is no reference: it may be the secret itself, so it is not repeated.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        return os.environ.get(name, "").strip()
    if kind == "file":
        try:
            return pathlib.Path(name).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""
    raise ValueError("no reference")


def read(where: str) -> str:
    """What env:NAME or file:PATH holds. Raises RequirementMissing naming where it should have been, never what it was."""
    try:
        found = look_up(where)
    except ValueError:
        words = "an address that may hold a password is named, never written."
        raise errors.RequirementMissing(words, cure="env:NAME or file:PATH.") from None
    if not found:
        place = "the environment that Tidegate is started in" if where.startswith("env:") else "that file"
        raise errors.RequirementMissing(f"{where} holds no address.", cure=f"Have it in {place}.")
    return found


def shown(url: str) -> str:
    """A service's address for people: without who asks, and without its query."""
    try:
        parts = parse.urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return parse.urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))


def plain(words: str, hidden: Iterable[str]) -> str:
    """The first line of somebody's words without any of these, as they are or as an address spells them."""
    line = next(iter(words.strip().splitlines()), "")
    spelt = {
        form for one in hidden if one for form in (one, parse.quote(one, safe=""), parse.quote_plus(one), parse.unquote(one))
    }
    for one in sorted(spelt, key=len, reverse=True):
        line = line.replace(one, _HIDDEN)
    return line[:_WORDS]
