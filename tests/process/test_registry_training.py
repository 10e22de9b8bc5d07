"""Baseline profiles from the training data itself: every row of it counted, by processes of their own."""

import hashlib

import msgspec
import numpy as np
import pandas as pd
import pytest
from test_registry_making import place, save  # noqa: F401 - fixtures

from tidegate.core.spec import settings
from tidegate.core.stats import counting
from tidegate.core.vocabulary import errors, manifests, profiles
from tidegate.delivery.registry import making, ordering, training

ROWS = 120_000


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    found = pd.DataFrame(
        {"label": rng.integers(0, 2, ROWS), "small": rng.integers(0, 7, ROWS), "large": rng.gamma(2.0, 300.0, ROWS)}
    )
    found["other"] = rng.normal(size=ROWS)
    found.loc[:99, "other"] = np.nan
    found.loc[7, "large"] = 1e300
    return found.assign(id=[f"customer-{at}" for at in range(ROWS)])


@pytest.fixture
def wishes(save, tmp_path, table):  # noqa: F811
    """What makes the bundle of a model with its example, and training data that a test names."""
    path, _ = save()
    few = table[["small", "large", "other"]][200:230]
    few.to_csv(tmp_path / "rows.csv", index=False)

    def wish(data):
        return path, making.Wishes(trust="pickle", example=tmp_path / "rows.csv", training=str(data))

    return wish


def baseline(place, digest):  # noqa: F811
    return msgspec.json.decode((place.bundles / digest / manifests.BASELINE).read_bytes(), type=profiles.Baseline)


@pytest.mark.parametrize("kind", ["parquet", "csv", "folder"])
def test_all_rows_are_counted_and_no_other_column_is_looked_at(place, wishes, tmp_path, table, kind):  # noqa: F811
    data = tmp_path / {"parquet": "train.parquet", "csv": "train.csv", "folder": "train"}[kind]
    if kind == "csv":
        table.to_csv(data, index=False)
    elif kind == "parquet":
        table.to_parquet(data, row_group_size=30_000)
    else:
        data.mkdir()
        for at in range(3):
            table[at::3].to_parquet(data / f"{at}.parquet")
    digest, manifest = making.fulfil(wishes(data)[0], place, wishes(data)[1])
    found = baseline(place, digest)
    assert (found.rows, set(found.columns)) == (ROWS, {"small", "large", "other", "prediction"})
    assert found.data == data.as_uri()
    assert {name: one.rows for name, one in found.columns.items() if name != "prediction"} == dict.fromkeys(
        ["small", "large", "other"], ROWS
    )
    assert found.columns["other"].nulls == 100
    assert found.importances
    assert b"customer" not in (place.bundles / digest / manifests.BASELINE).read_bytes()
    for name in ("small", "other"):
        frame = counting.taught(name, found.columns[name])
        exact = counting.counted(frame, table[name].astype(object).where(table[name].notna(), None).tolist())
        kept = counting.refitted(frame, found.columns[name])
        assert kept.counts == exact.counts
        assert (kept.nulls, kept.least, kept.most) == (exact.nulls, exact.least, exact.most)
    assert max(counting.taught("large", found.columns["large"]).edges) < 1e10  # one giant value does not blur the others
    [noted] = manifest.provenance.data
    assert (noted.name, noted.role, noted.source) == (data.name, "training", data.as_uri())
    if kind != "folder":
        assert noted.sha256 == hashlib.sha256(data.read_bytes()).hexdigest()
    assert training.said(place, digest) == f"its baseline profile is of all 120,000 rows of {data.as_uri()}"
    assert making.fulfil(wishes(data)[0], place, wishes(data)[1])[0] == digest


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: one.drop(columns="large"), "lacks columns that the model takes: large"),
        (lambda one: one.assign(large="a lot"), "column large of .* is .*string.*, and the model takes numbers"),
        (lambda one: one[:0], "has 0 rows"),
        (lambda one: one[:199], "has 199 rows"),
    ],
)
def test_data_that_is_not_the_models_is_refused_and_nothing_remains(place, wishes, tmp_path, table, spoil, words):  # noqa: F811
    data = tmp_path / "train.parquet"
    spoil(table).to_parquet(data)
    path, wished = wishes(data)
    with pytest.raises(errors.ModelSourceInvalid, match=words):
        making.fulfil(path, place, wished)
    assert list(place.bundles.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train.csv", b"", "cannot be read: .*Empty CSV file"),
        ("train.csv", b"small,large,other\n1,much,3\n" * 300, "cannot be read: .*invalid value 'small'"),
        ("train.parquet", b"PAR1 and no more", "cannot be read"),
        ("train.xlsx", b"PK", "its name ends like no CSV or Parquet file"),
        ("gone.csv", None, "cannot be read: there is nothing"),
    ],
)
def test_files_that_cannot_be_read_say_why(place, wishes, tmp_path, name, content, words):  # noqa: F811
    if content is not None:
        (tmp_path / name).write_bytes(content)
    path, wished = wishes(tmp_path / name)
    with pytest.raises(errors.ModelSourceInvalid, match=words):
        making.fulfil(path, place, wished)
    assert list(place.bundles.iterdir()) == []


def test_the_key_of_the_file_is_what_making_is_told(place, wishes, tmp_path, table):  # noqa: F811
    data = tmp_path / "train.parquet"
    table.to_parquet(data)
    path, wished = wishes(data)
    asked = settings.Settings("e", path, trust="pickle", example=str(wished.example), training=str(data), compile="never")
    assert baseline(place, ordering.make(asked, place)).rows == ROWS
