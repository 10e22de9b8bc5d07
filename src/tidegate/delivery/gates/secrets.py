"""Addresses that may hold a password: where they are kept, and words about them without it."""

import os
import pathlib
from collections.abc import Iterable
from urllib import parse

from tidegate.core.vocabulary import errors

_WORDS = 200
_HIDDEN = "***"


def read(where: str) -> str:
    """What env:NAME or file:PATH holds. Raises RequirementMissing naming where it should have been, never what it was."""
    kind, _, name = where.partition(":")
    cure = f"Have it in {'the environment that Tidegate is started in' if kind == 'env' else 'that file'}."
    if kind == "env":
        found = os.environ.get(name, "").strip()
    elif kind == "file":
        try:
            found = pathlib.Path(name).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError):
            found = ""
    else:
        raise errors.RequirementMissing(
            "an address that may hold a password is named, never written.", cure="env:NAME or file:PATH."
        )
    if not found:
        raise errors.RequirementMissing(f"{where} holds no address.", cure=cure)
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
