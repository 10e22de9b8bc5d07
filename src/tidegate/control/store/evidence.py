"""Verdicts with what they were computed from: the newest for every generation of a release, so each decision keeps its own."""

import hashlib
from typing import Any, NamedTuple

import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import releases, verdicts


class Judged(NamedTuple):
    """A verdict as it is kept."""

    verdict: verdicts.Verdict
    inputs: dict[str, Any]
    """What it was computed from; empty where that was not kept."""
    at: float
    generation: int
    """Of the release, when it was judged so."""


def put(
    connection: sa.Connection, release: releases.Release, verdict: verdicts.Verdict, inputs: dict[str, Any] | None, at: float
) -> str:
    """Write the verdict of this generation over the one before; returns its sha256. `inputs` None keeps those there are."""
    table = schema.VERDICTS
    body = documents.encode(verdict)
    here = (table.c.release == release.id) & (table.c.generation == release.generation)
    values: dict[str, Any] = {"verdict": body, "at": at}
    if inputs is not None:
        values["inputs"] = documents.encode(inputs)
    if not connection.execute(table.update().where(here).values(**values)).rowcount:
        key = {"environment": release.environment, "endpoint": release.endpoint, "release": release.id}
        connection.execute(table.insert().values(**key, generation=release.generation, **{"inputs": "{}", **values}))
    return hashlib.sha256(body.encode()).hexdigest()


def get(connection: sa.Connection, release: str, generation: int | None = None) -> Judged | None:
    """The verdict of a release's generation, the newest by default; None when there is none."""
    table = schema.VERDICTS
    found = sa.select(table).where(table.c.release == release)
    if generation is not None:
        found = found.where(table.c.generation == generation)
    row = connection.execute(found.order_by(table.c.generation.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    verdict, inputs = documents.decode(row.verdict, verdicts.Verdict), documents.decode(row.inputs, dict[str, Any])
    return Judged(verdict, inputs, row.at, row.generation)
