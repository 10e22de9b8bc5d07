"""What has drifted, by path: one time of an endpoint held against another. The command line asks in the same words."""

import datetime as dt
import time
from typing import Annotated, Any

import fastapi
import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import catalogue
from tidegate.interface.api import making, moments, scopes, shelf
from tidegate.observability.drift import drifting, references

_CURE = "Write {}, or a time: 7d, 2026-03-01..2026-04-01."


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its path."""
    made = fastapi.APIRouter(prefix="/v1", tags=["reading"])

    @made.get("/endpoints/{endpoint}/drift")
    def drift(
        endpoint: str,
        _: scopes.Reader,
        since: Annotated[str, fastapi.Query(alias="from")] = "24h",
        until: Annotated[str, fastapi.Query(alias="to")] = "now",
        against: str = drifting.SEASON,
        version: Annotated[int, fastapi.Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        """Every column of one time held against `against`: season, training, stable, or FROM..TO. As `tidegate drift --json`."""
        row = making.known(books.store(), books.environment, endpoint)
        wanted = asked((since, until), against, time.time(), version, dt.UTC)
        with catalogue.Catalogue(books.home.log, readonly=True) as log:
            return told(references.report(books.home, log.connection, row.name, wanted))

    return made


def asked(texts: tuple[str, str], against: str, now: float, version: int = 0, zone: dt.tzinfo | None = None) -> references.Asked:
    """What is asked for in such words: `texts` from when to when. `zone`: of who asks over HTTP; None: somebody at a terminal.

    Raises MomentInvalid for what is no time either, and SpecInvalid for a time that ends before it begins.
    """
    option = "" if zone else "--"
    window = references.hours(*moments.span(texts, now, zone, (f"{option}from", f"{option}to")), version)
    if against in references.NAMED:
        return references.Asked(window, against)
    begins, dots, ends = against.partition("..")
    if not dots and begins.isalpha() and begins.lower() != "now":
        named = ", ".join(sorted(references.NAMED))
        raise errors.MomentInvalid(
            f"{against[:60]!r} is nothing to compare with.", where=f"{option}against", cure=_CURE.format(named)
        )
    bounds = (begins, ends or str(max(window.since, 10**9)))
    reference = references.hours(*moments.span(bounds, now, zone, (f"{option}against",) * 2), version)
    return references.Asked(window, drifting.TIME, reference)


def told(report: drifting.Report) -> dict[str, Any]:
    """The report as JSON has it, with its level."""
    found: dict[str, Any] = msgspec.to_builtins(report)
    return found | {"level": report.level}
