"""What the page shows, read at one moment: the status as everybody gets it, and each endpoint's release and latest events."""

import time
from typing import NamedTuple

from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, phases, releases, tokens
from tidegate.interface.api import bygone, look, records, shelf, standing

EVENTS = 8
"""The latest of each endpoint that are shown."""


class Shown(NamedTuple):
    """One endpoint."""

    endpoint: standing.Endpoint
    release: releases.Release | None = None
    """The newest, ended or not."""
    events: tuple[bygone.Event, ...] = ()
    """Newest first."""
    alarms: tuple[standing.Alarm, ...] = ()
    """Those of it that are open: critical ones first, then the oldest."""

    @property
    def under_way(self) -> bool:
        """Whether its release has not ended."""
        return self.release is not None and self.release.phase not in phases.ENDED


class Board(NamedTuple):
    """All of it."""

    status: standing.Status
    shown: tuple[Shown, ...]


def read(books: shelf.Shelf) -> Board:
    """As things stand; with the store gone, what the table and the processes tell."""
    try:
        store, trouble = books.store(), ""
    except errors.StoreUnavailable as gone:
        store, trouble = None, str(gone)
    status = look.status(books.home, books.environment, store, time.time(), trouble)
    if store is None or status.store:
        return Board(status, tuple(Shown(one) for one in status.endpoints))
    try:
        return Board(status, tuple(_shown(store, status, one) for one in status.endpoints))
    except errors.StoreUnavailable as gone:
        late = status.model_copy(update={"store": str(gone)})
        return Board(late, tuple(Shown(one) for one in status.endpoints))


def _shown(store: stores.Store, status: standing.Status, endpoint: standing.Endpoint) -> Shown:
    events = store.last_events(status.environment, endpoint.name, EVENTS)
    latest, alarms = (
        store.latest(status.environment, endpoint.name),
        (one for one in status.alarms if one.endpoint == endpoint.name),
    )
    return Shown(endpoint, latest, tuple(records.event(one) for one in reversed(events)), tuple(alarms))


def visible(board: Board, holder: tokens.Token) -> Board:
    """What this holder may read: a token for some endpoints sees these, and nothing of the machine."""
    if holder.may("read"):
        return board
    shown = tuple(one for one in board.shown if holder.may("read", one.endpoint.name))
    names = {one.endpoint.name for one in shown}
    status = board.status.model_copy(
        update={
            "processes": (),
            "recorder": {},
            "home": "",
            "alarms": tuple(one for one in board.status.alarms if one.endpoint in names),
            "override": board.status.override if board.status.override and board.status.override.endpoint in names else None,
        }
    )
    return Board(status, shown)
