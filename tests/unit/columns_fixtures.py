"""A log whose versions take what a test says, and what DuckDB finds in it."""

import json
import pathlib
import sqlite3
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from tests.unit import predlog_fixtures as given
from tests.unit.recording_fixtures import Log
from tidegate.core.vocabulary import home, manifests, records, tables

C = manifests.Column
SCORE = (C("score", "double"),)
TAKES = manifests.Signature("columns", (C("age", "long", required=False), C("name", "string", required=False)), SCORE)


class Columned(Log):
    """A log with the bundles of some signatures: version 1 has the first."""

    def __init__(self, root: pathlib.Path, *signatures: manifests.Signature, **route: Any) -> None:
        super().__init__(root)
        self.digests = []
        for place, one in enumerate(signatures or (TAKES,)):
            digest = f"{place:064x}"
            (self.home.bundles / digest).mkdir(exist_ok=True)
            raw = msgspec.json.encode(manifests.Manifest("m", "sklearn", "m", one, ()))
            (self.home.bundles / digest / "manifest.json").write_bytes(raw)
            self.digests.append(digest)
        self.route(**route)

    def route(self, **route: Any) -> None:
        """Have the endpoint's route say this."""
        made = tables.Route("flight-delay", "production", tables.Deployed(1, self.digests[0], "m"), release="r1", **route)
        self.home.table.write_bytes(msgspec.json.encode(tables.Table(2, 1, {"flight-delay": made})))
        self.recorder.rules._seen = (0, 0)

    def asked(self, number: int, *rows: Any, at: float = 0.0, version: int = 1, **more: Any) -> records.Prediction:
        """A request of these rows."""
        body = json.dumps({"records": list(rows)}).encode()
        whole = {"input": body, "digest": self.digests[version - 1], "version": version, "rows": len(rows)}
        return given.prediction(number, at, **(whole | more))

    def query(self, ask: str) -> list[tuple[Any, ...]]:
        """What plain DuckDB answers over the predictions, `p`."""
        files = str(self.home.log / "predictions" / "**" / "*.parquet")
        return duckdb.sql(ask.replace(" p", f" read_parquet('{files}', union_by_name = true)")).fetchall()


def everything(place: home.Home) -> str:
    """All that is on the disk: files as they are, Parquet and the catalogue as they read."""
    told = []
    for path in sorted(place.root.rglob("*")):
        if path.suffix == ".parquet":
            told.append(str(pq.read_table(path, partitioning=None).to_pylist()))
        elif path.is_file():
            told.append(path.read_bytes().decode("latin-1"))
    with sqlite3.connect(place.log / "catalogue.db") as known:
        told += known.iterdump()
    return "\n".join(told)


def ended(log: Columned, at: float) -> None:
    """The gateway goes on to its next segment, and the recorder takes its time for upkeep."""
    for writer in log.writers.values():
        writer.end()
        writer.sync()
    log.look(at)
    log.recorder.step(given.T0 + at + 11.0)
    log.recorder.step(given.T0 + at + 22.0)


def spoil(path: pathlib.Path) -> None:
    """Damage pages and no footer: what Arrow says of that is an OSError without a number."""
    raw = bytearray(path.read_bytes())
    raw[4 : len(raw) // 3] = bytes(len(raw) // 3 - 4)
    path.write_bytes(raw)
    with pytest.raises(OSError, match=r".") as told:
        pq.read_table(path, partitioning=None)
    assert told.value.errno is None
