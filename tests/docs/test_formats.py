"""The queries on docs/formats.md answer, on the log of an endpoint whose versions take other columns, in plain DuckDB."""

import pathlib
import re
import struct

import duckdb
import msgspec
import pytest

from tests.unit import predlog_fixtures as given
from tests.unit.columns_fixtures import SCORE, C, Columned
from tests.unit.pairs_fixtures import copied
from tidegate.core.vocabulary import keeping, manifests

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "formats.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
FIRST = manifests.Signature("columns", (C("carrier", "string"), C("distance", "long")), SCORE)
SECOND = manifests.Signature(
    "columns",
    (C("distance", "double"), C("carrier", "string"), C("hour", "long")),
    (*SCORE, C("probabilities", "FP64", shape=(-1, 3))),
)
FLOWERS = {"classes": '["setosa", "versicolor", "virginica"]'}


@pytest.fixture(name="log")
def two_versions(tmp_path: pathlib.Path) -> Columned:
    log = Columned(tmp_path, FIRST, SECOND)
    manifest = log.home.bundles / log.digests[1] / "manifest.json"
    manifest.write_bytes(msgspec.json.encode(manifests.Manifest("m", "sklearn", "m", SECOND, (), options=FLOWERS)))
    one = log.asked(0, {"carrier": "AA", "distance": 1200}, {"carrier": "UA", "distance": 300}, answers=(0.25, 0.75))
    log.put(one, copied(one, 0.5, digest=log.digests[0]), given.outcome(9, one, 0, 5.0))
    log.look(1.0)
    log.put(
        log.asked(2, {"carrier": "AA", "distance": 1500.5, "hour": 7}, version=2, numbers=struct.pack("<3d", 0.5, 0.25, 0.25))
    )
    log.look(2.0)
    return log


def test_the_queries_answer_what_the_page_says(log: Columned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log.home.root)
    answers = [duckdb.sql(one).fetchall() for one in QUERIES]
    rows, carriers, distances, flowers, labelled, copies = answers
    assert sorted(row[1:] for row in rows) == [(1, 300.0, "UA"), (1, 1200.0, "AA"), (2, 1500.5, "AA")]
    assert [name.rpartition("/")[2] for name, *_ in sorted(rows)] == ["0", "1", "0"]
    assert carriers == [("AA", 2, 0.25)]
    assert distances == [(1, 1200.0, 0), (2, 1500.5, 0)]
    assert flowers == [(1, None), (2, 0.5)]
    assert labelled == [(1, 1, 0.0)]
    assert [row[1:] for row in copies] == [(1, "[0.25,0.75]", 2, "[0.5]", 0)]


def test_a_column_that_was_encrypted_meanwhile_is_read_as_the_page_says(log: Columned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_KEY", "11" * 32)
    log.route(log=keeping.Keeping(encrypt=("distance",), key="env:LOG_KEY"))
    log.put(log.asked(3, {"carrier": "AA", "distance": 900}))
    log.look(3.0)
    monkeypatch.chdir(log.home.root)
    (asked,) = [one for one in QUERIES if "aesgcm" in one]
    assert duckdb.sql(asked).fetchall() == [(1, 1200.0, 1), (2, 1500.5, 0)]
    with pytest.raises(duckdb.BinderException):
        duckdb.sql(asked.replace("TRY_CAST(in_distance[1] AS DOUBLE)", "in_distance[1]"))
