"""Changes of shared things that a version needs, as they are told before its release."""

from collections.abc import Iterator

from tidegate.core.vocabulary import dependencies, releases
from tidegate.delivery.gates import findings

NAME = "migrations"


def told(release: releases.Release) -> Iterator[findings.Finding]:
    """What each means for a way back. None of them stands in the release's way."""
    yield from (findings.good(NAME, words) for words in sentences(release.endpoint, release.migrations, release.candidate.name))


def sentences(endpoint: str, migrations: tuple[dependencies.Migration, ...], candidate: str) -> Iterator[str]:
    """The same as sentences: `candidate` is what the version that they come with is called."""
    for one in migrations:
        if one.kind == dependencies.CONTRACT:
            yield (
                f"contract {one.name}: it is the point of no return. Do it after {candidate} is promoted, and say so with "
                f"`tidegate migrated {endpoint} {one.name}`: no version before {candidate} can come back from then on."
            )
        else:
            yield f"{one.kind} {one.name}: versions before {candidate} go on working with it; a rollback stays possible."
