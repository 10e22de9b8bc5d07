"""What is noted of settings beside the ones in force: what a release brings and what it replaces, what a version was left with,
and what a person wants an endpoint to follow by. Facts of the endpoint; `settling` has it go by them.
"""

from typing import Any

import msgspec

from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import belonging
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, phases, releases

_CHANGE, _ASKED = "settings", "settings_asked"
WENT_BACK = frozenset({phases.Phase.ROLLING_BACK, phases.Phase.ROLLED_BACK})
CAME_TO_NOTHING = frozenset({phases.Phase.ABORTED, phases.Phase.FAILED, phases.Phase.CONCLUDED})
"""Phases of a release that has put its candidate nowhere for good."""
Facts = tuple[tuple[str, str], ...]
"""(name, value) each."""


class Change(msgspec.Struct, frozen=True):
    """Settings that a release brings, and those that it replaces: what counts again where it comes to nothing."""

    release: str
    before: dict[str, Any]
    wanted: dict[str, Any]

    @property
    def agreed(self) -> "Change":
        """The same from when the release has been let through: the endpoint's own settings stay, whatever becomes of it."""
        return msgspec.structs.replace(self, before=self.before | belonging.kept(self.wanted))


_decode = msgspec.json.Decoder(Change).decode


def notes(release: releases.Release, before: dict[str, Any], wanted: dict[str, Any]) -> Facts:
    """To be kept with a release that begins: what it changes, and what the version that it would replace is left with. What a
    person had asked for before waits no longer: these settings are newer, or are those.
    """
    left = ((_of(release.stable), _encode(before)),) if release.stable is not None else ()
    return (_note(release.id, before, wanted), *left, (_ASKED, ""))


def change(store: stores.Store, release: releases.Release) -> Change | None:
    """What a release brought; None where it brought nothing, or another has begun since."""
    noted = store.fact(release.environment, release.endpoint, _CHANGE)
    found = _decode(noted) if noted else None
    return found if found is not None and found.release == release.id else None


def moved(store: stores.Store, release: releases.Release) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(settings before, settings after) a release as it stands: one that goes back takes its own away again. None where it
    changes nothing, or another has begun since.
    """
    found = change(store, release)
    if found is None or release.phase in CAME_TO_NOTHING:
        return None
    return (found.wanted, found.before) if release.phase in WENT_BACK else (found.before, found.wanted)


def changing(was: Change, now: Change) -> tuple[str, str, str]:
    """What is noted of a release over what was, as `Store.settle` takes it."""
    return _CHANGE, _encode(was), _encode(now)


def returning(store: stores.Store, row: endpoints.Endpoint, version: releases.Version) -> dict[str, Any]:
    """What a way back to a version brings: of the settings that it was left with those that are a version's. Where none are
    known, or none that can be read any more, those in force.
    """
    kept = store.fact(row.environment, row.name, _of(version))
    own = msgspec.json.decode(kept, type=dict[str, Any]) if kept else row.settings
    try:
        specification.of(own)
    except errors.SpecInvalid:  # of an earlier Tidegate
        return row.settings
    return belonging.returning(own, row.settings)


def follow(store: stores.Store, row: endpoints.Endpoint, wanted: dict[str, Any]) -> tuple[dict[str, Any], Facts]:
    """(what the endpoint is to go by, facts) where a person has it follow by the settings `wanted`, or not any more.

    What is followed counts whatever becomes of a release. All else comes with the next followed release, and so passes its checks
    and whoever has to approve it; only where nobody is served yet there is nothing to wait for.
    """
    newest = store.latest(row.environment, row.name)
    if row.stable is None and (newest is None or newest.phase in phases.ENDED):
        return wanted, ()
    told = belonging.followed(wanted)
    settings = row.settings | told
    found = change(store, newest) if newest is not None else None
    over = () if found is None else (_note(found.release, found.before | told, found.wanted | told),)
    return settings, (*over, (_ASKED, _encode(wanted) if _differ(wanted, settings) else ""))


def asked(store: stores.Store, row: endpoints.Endpoint) -> str:
    """The settings that the next followed release is to bring, as `specification.decode` reads them; empty: those in force."""
    return store.fact(row.environment, row.name, _ASKED)


def _differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether they settle anything otherwise: a default may be written out."""
    first, second = (msgspec.structs.replace(specification.of(settings), given=()) for settings in (one, other))
    return first != second


def _note(release: str, before: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, str]:
    return _CHANGE, _encode(Change(release, before, wanted))


def _of(version: releases.Version) -> str:
    return f"{_CHANGE}_of_{version.name}"


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
