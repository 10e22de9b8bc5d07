"""Who asks, where an endpoint's requests stick: a column of the rows that are sent, or clients that are made up.

Each request gets the header or cookie that a client's would have; where requests stick by a field, the rows have it already.
"""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import assignment, errors, home
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import client
from tidegate.interface.cli import traffic, words

MADE_UP = 1_000
"""Clients that ask in turn, where nobody says who does."""


def sticky(place: home.Home, endpoint: str) -> assignment.Sticky | None:
    """What an endpoint's requests stick by: as it is routed now, or by its settings where these can be had."""
    route = tablefile.read(place.table).routes.get(endpoint)
    if route is not None and route.sticky is not None:
        return route.sticky
    try:
        with client.Client(place) as api:
            told = api.endpoint(endpoint)["settings"].get("sticky")
    except errors.TidegateError:  # traffic is served without it
        return None
    return msgspec.convert(told, assignment.Sticky) if told else None


def asked(wanted: Sequence[traffic.Body], by: assignment.Sticky | None, count: int = MADE_UP) -> list[traffic.Body]:
    """The bodies as `count` made-up clients send them in turn, as often as it takes for each of either to come."""
    if by is None or by.by == "field":
        return list(wanted)
    rounds = range(max(len(wanted), count))
    return [_from(wanted[number % len(wanted)], by, f"client-{number % count}") for number in rounds]


def of_column(
    wanted: Sequence[traffic.Body], by: assignment.Sticky | None, column: str, taken: frozenset[str]
) -> list[traffic.Body]:
    """The bodies as who stands in a column of their first record sends them; one that the model does not take is taken out.

    Raises InputInvalid where requests do not stick by a header or cookie, or a body has no such column.
    """
    if by is None or by.by == "field":
        how = f"by the field {by.name}, which the rows have" if by else "by nothing: each is a unit of its own"
        raise errors.InputInvalid(f"requests stick {how}, so there is no header to put {column} in.", cure="Leave --unit out.")
    return [_named(body, by, column, taken) for body in wanted]


class Asking:
    """Bodies as whoever asks sends them: made anew once requests stick by something else. Called, it gives them as of now."""

    def __init__(self, place: home.Home, endpoint: str, make: Callable[[assignment.Sticky | None], list[traffic.Body]]) -> None:
        """`make`: the bodies where requests stick like this. Raises what that does."""
        self._place, self._endpoint, self._make = place, endpoint, make
        self._seen = self._mark()
        self.by = sticky(place, endpoint)
        self._bodies = make(self.by)

    def __call__(self) -> list[traffic.Body]:
        """A look at the table's file, and no more where that is as it was."""
        seen = self._mark()
        if seen != self._seen:
            self._seen, by = seen, sticky(self._place, self._endpoint)
            if by != self.by:
                self.by = by
                with contextlib.suppress(errors.InputInvalid):  # no header that would say whose they are: sent as before
                    self._bodies = self._make(by)
        return self._bodies

    def _mark(self) -> tuple[int, int]:
        told = self._place.table.stat()
        return told.st_mtime_ns, told.st_ino


def inputs(place: home.Home, digest: str) -> frozenset[str]:
    """Names of what a bundle's model takes. Raises BundleMissing."""
    return frozenset(one.name for one in bundles.read_manifest(place.bundles / digest).signature.inputs)


def said(by: assignment.Sticky, wanted: Sequence[traffic.Body]) -> str:
    """As whom they are sent, for people."""
    if by.by == "field":
        return f"units are the values of {by.name} in the rows"
    units = len({body.headers for body in wanted})
    return f"as {words.count(units, 'client')}, each with its own {by.by} {by.name}"


def _named(body: traffic.Body, by: assignment.Sticky, column: str, known: frozenset[str]) -> traffic.Body:
    given = _records(body)
    key = assignment.worded(given[0].get(column)).decode() if given else ""
    if not key:
        raise errors.InputInvalid(
            f"the column {column} is not in every row that would be sent.", cure="Name rows that have it: --from rows.csv"
        )
    if "\r" in key or "\n" in key or ";" in key:
        raise errors.InputInvalid(f"{key!r} cannot be in a {by.by}.", cure="Take another column.")
    if column in known:
        return _from(body, by, key)
    left = [{name: value for name, value in row.items() if name != column} for row in given]
    return _from(dataclasses.replace(body, raw=json.dumps({"records": left}, ensure_ascii=False).encode()), by, key)


def _records(body: traffic.Body) -> list[dict[str, Any]]:
    """The records of a body in that form; none of any other."""
    try:
        found = json.loads(body.raw)["records"]
    except (ValueError, KeyError, TypeError):
        return []
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def _from(body: traffic.Body, by: assignment.Sticky, key: str) -> traffic.Body:
    line = f"cookie: {by.name}={key}\r\n" if by.by == "cookie" else f"{by.name}: {key}\r\n"
    return dataclasses.replace(body, headers=body.headers + line)
