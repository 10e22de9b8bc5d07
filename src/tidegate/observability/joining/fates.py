"""What became of outcomes that were posted together: joined to their predictions, put aside and why, or still waiting.

They are told by their request's id. Called by the command line; reads the log's tail and the catalogue, and writes nothing.
"""

import collections

import msgspec

from tidegate.core.vocabulary import errors, home, records
from tidegate.dataplane.predlog import catalogue, reader
from tidegate.observability.joining import joins, quarantine


class Fate(msgspec.Struct, frozen=True):
    """How many of each, of those that were accepted."""

    joined: int
    """Held against their predictions, now or before: the same label sent again changes nothing."""
    waiting: int
    """Not read by the recorder yet, or without a prediction so far."""
    aside: dict[str, int] = {}
    """By reason (`quarantine.WORDS`)."""


def of(place: home.Home, request_id: str, accepted: int) -> Fate:
    """What is known of them now. Raises sqlite3.Error for a damaged catalogue."""
    unread = sum(isinstance(one, records.Outcome) and one.request_id == request_id for one in reader.unrecorded(place))
    try:
        books = catalogue.Catalogue(place.log, readonly=True)
    except errors.StoreUnavailable:  # nothing has been recorded yet
        return Fate(0, accepted)
    with books:
        waiting = unread + joins.unjoined(books.connection, request_id)
        aside = collections.Counter(
            one.reason for one in quarantine.kept(books.connection) if one.outcome.request_id == request_id
        )
    return Fate(max(0, accepted - waiting - aside.total()), waiting, dict(aside))
