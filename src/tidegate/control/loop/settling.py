"""Whose settings an endpoint goes by: a release's count from when it has been checked and approved, and where it ends without
having made the endpoint its candidate's, the version's before count again. So what nobody has agreed to changes nothing, and what
was taken back leaves nothing behind but what is the endpoint's own (`core.spec.belonging`).

Level-triggered: what is noted with a release when it begins, and where it is, say what has to hold.
"""

from collections.abc import Iterable
from typing import Any

from tidegate.control.loop import brought, transitions
from tidegate.control.store import endpoints
from tidegate.core.vocabulary import phases, releases
from tidegate.core.vocabulary.phases import Phase

BEFORE = frozenset({Phase.QUEUED, Phase.CHECKING, Phase.AWAITING_APPROVAL})
"""Phases in which nothing of a release has been agreed to."""
_BACK = brought.WENT_BACK | brought.CAME_TO_NOTHING


class Settling:
    """All endpoints' settings. What it remembers is only what spares it to read again."""

    def __init__(self, desk: transitions.Desk) -> None:
        self._desk = desk
        self._changes: dict[str, brought.Change | None] = {}
        self._moving: set[str] = set()
        self._at_rest: set[str] = set()

    def turn(self, advanced: Iterable[releases.Release]) -> None:
        """Have each endpoint go by what counts now. Raises StoreUnavailable, DiskFull.

        Of those at rest it looks once: an earlier control may have died right after a release had ended.
        """
        newest = {one.endpoint: one for one in advanced}
        for row in self._desk.rows():
            if row.name in newest or row.name in self._moving or row.name not in self._at_rest:
                release = newest.get(row.name) or self._desk.latest(row.name)
                if release is not None:
                    self._settle(row, release)
                self._at_rest.add(row.name)
        self._moving = {one.endpoint for one in newest.values() if one.phase not in phases.ENDED}
        self._changes = {one.id: self._changes.get(one.id) for one in newest.values() if one.id in self._changes}

    def forget(self) -> None:
        """Read anew what releases have brought: a person has changed settings."""
        self._changes.clear()

    def _settle(self, row: endpoints.Endpoint, release: releases.Release) -> None:
        if release.id not in self._changes:
            self._changes[release.id] = brought.change(self._desk.store, release)
        found = self._changes[release.id]
        if found is None:
            return
        if release.phase in BEFORE:
            self._go_by(row, found.before | _told(found), found, found)
        elif release.phase in _BACK:
            self._go_by(row, found.before, found, found)
        else:
            self._go_by(row, found.wanted, found, found.agreed)

    def _go_by(self, row: endpoints.Endpoint, settings: dict[str, Any], was: brought.Change, noted: brought.Change) -> None:
        """In one write, so that it goes back to what was noted when it went forth, whenever control dies."""
        if row.settings != settings or noted != was:
            self._desk.store.settle(row, settings, brought.changing(was, noted))
            self._changes[noted.release] = noted


def _told(change: brought.Change) -> dict[str, Any]:
    """Who is told counts from the beginning, since they are told of the release itself; who was told before still is."""
    before, wanted = (settings.get("notify", ()) for settings in (change.before, change.wanted))
    return {"notify": [*before, *(one for one in wanted if one not in before)]}
