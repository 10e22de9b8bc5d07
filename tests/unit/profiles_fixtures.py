"""Hourly profiles of an endpoint as the recorder would have left them, on a clock of the test's own."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import home, manifests, profiles, tables
from tidegate.dataplane.predlog import catalogue
from tidegate.dataplane.wire import tablefile
from tidegate.observability.profiling import hourly

ENDPOINT = "flights"
MONDAY = seasons.WEEK_BEGINS + 2_800 * seasons.WEEK
"""The first moment of a Monday."""


class Hours:
    """A home whose catalogue is filled hour by hour."""

    def __init__(
        self, root: pathlib.Path, frames: Mapping[str, profiles.Frame], endpoint: str = ENDPOINT, **route: object
    ) -> None:
        self.endpoint = endpoint
        self.home = home.Home(root)
        self.home.prepare()
        self.books = catalogue.Catalogue(self.home.log)
        self.frames = dict(frames)
        hourly.prepare(self.books.connection)
        for name, frame in frames.items():
            told = (self.endpoint, name, msgspec.msgpack.encode(frame))
            self.books.connection.execute("INSERT INTO frame VALUES (?, ?, ?)", told)
        self.route(**route)

    def route(self, **given: object) -> None:
        """What the table says of the endpoint."""
        whole = {"stable": tables.Deployed(1, "d" * 64, "m")}
        made = tables.Route(self.endpoint, "production", **(whole | given))
        self.home.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {self.endpoint: made})))

    def baseline(self, columns: Mapping[str, Sequence[Any]], importances: Mapping[str, float], digest: str = "d" * 64) -> None:
        """What came with the model of a bundle."""
        folder = self.home.bundles / digest
        folder.mkdir(exist_ok=True)
        told = counting.baseline({name: list(values) for name, values in columns.items()}, importances)
        (folder / manifests.BASELINE).write_bytes(msgspec.json.encode(told))

    def put(self, hour: float, columns: Mapping[str, Sequence[Any]], version: int = 1) -> None:
        """What came in the hour that begins then."""
        counted = {name: counting.counted(self.frames[name], list(values)) for name, values in columns.items()}
        one = profiles.Profile(max(map(len, columns.values()), default=0), counted)
        route = tablefile.read(self.home.table).routes[self.endpoint]
        digest = next((known.digest for known in route.versions if known.ordinal == version), "other")
        self.books.connection.execute("INSERT OR REPLACE INTO profiled VALUES (?, ?, ?)", (self.endpoint, version, digest))
        told = (self.endpoint, version, int(hour), msgspec.msgpack.encode(one))
        self.books.connection.execute("INSERT OR REPLACE INTO profile VALUES (?, ?, ?, ?)", told)
