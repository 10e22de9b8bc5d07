"""Releases that belong together: several files of one group, begun as one and watched together."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from tidegate.core.spec import settings
from tidegate.core.vocabulary import errors
from tidegate.interface.api import client
from tidegate.interface.cli import exits, following, project, reaching

WORSE = (exits.Exit.OK, exits.Exit.WAITING, exits.Exit.REFUSED, exits.Exit.ROLLED_BACK)
"""Of several releases the one that went worst says how all of them went."""
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Watching:
    """How long releases are watched."""

    timeout: float
    """Seconds; 0: without end."""
    until: frozenset[str]
    """Phases that are enough."""


def name(given: Sequence[project.Project], model: str) -> str:
    """The group of several files; empty for one file alone. Raises SpecInvalid where they are no group."""
    if len(given) == 1:
        return ""
    first = given[0].settings.group
    for one in given:
        if not one.settings.group or one.settings.group != first:
            raise errors.SpecInvalid(
                "files that are released together are of one group.",
                cure=f"Write the same `group: NAME` into each, such as `group: {first or 'shop'}`.",
                where=str(one.path),
            )
    endpoints = [one.settings.endpoint for one in given]
    if len(set(endpoints)) < len(endpoints):
        raise errors.SpecInvalid("two of the files are of one endpoint.", cure="Name each endpoint's file once.", where="--file")
    if model:
        raise errors.SpecInvalid("one model cannot be that of several endpoints.", cure="Leave it out.", where="--model")
    return first


def begin(api: client.Client, group: str, given: Sequence[project.Project], digests: Sequence[str], reason: str) -> list[Json]:
    """Begin them all or none: of each `release`, its id, and `version`, in the order of the files."""
    members = [{"settings": settings.plain(one.settings), "digest": digest} for one, digest in zip(given, digests, strict=True)]
    api.release_group(group, members, reason=reason, actor=reaching.actor())
    found = {one["name"]: one["release"] for one in api.status()["endpoints"]}
    releases = [found[one.settings.endpoint] for one in given]
    return [{"release": one["id"], "version": one["candidate"]["name"], "phase": one["phase"]} for one in releases]


def follow(api: client.Client, identifiers: Sequence[str], watching: Watching) -> list[Json]:
    """Each as it stands once all have ended, reached a phase that is enough, wait for a person, or the time is up.

    Raises ApiUnreachable.
    """
    began = time.monotonic()
    for identifier in identifiers:
        spent = time.monotonic() - began
        left = max(0.001, watching.timeout - spent) if watching.timeout else 0.0
        following.follow(api, identifier, timeout=left, until=watching.until)
    return [api.release_of(identifier) for identifier in identifiers]
