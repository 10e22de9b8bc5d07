"""Baseline profiles from the training data itself: every row of it counted, by processes of their own."""

import hashlib
import io
import json
import subprocess
import sys

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from test_registry_making import place, save  # noqa: F401 - fixtures

from tests.process import sink_servers
from tidegate.core.spec import settings
from tidegate.core.stats import counting
from tidegate.core.vocabulary import errors, manifests, profiles
from tidegate.delivery.registry import making, ordering
from tidegate.delivery.training import basis, surveying, training
from tidegate.interface.cli import main

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
    assert basis.said(place, digest) == f"its baseline profile is of all 120,000 rows of {data.as_uri()}"
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


def test_what_is_made_again_has_the_same_profile_of_the_same_data(place, wishes, tmp_path, table, capfd):  # noqa: F811
    data = tmp_path / "train.parquet"
    table.to_parquet(data)
    path, wished = wishes(data)
    digest, _ = making.fulfil(path, place, wished)
    again = ["reproduce", digest[:12], "--check", path, "--trust", "--home", str(place.root)]
    assert main.run([*again, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["digest"], found["same_model"], found["data"]) == (digest, True, [])
    assert main.run(again[:2] + again[-2:]) == 0
    assert f"Its baseline profile is of all 120,000 rows of {data.as_uri()}." in capfd.readouterr().out
    data.unlink()
    assert main.run(again) == 0
    told = capfd.readouterr()
    assert f"the very same model as {digest[:12]}" in told.out
    assert f"training data {sha256_of(table, tmp_path)[:12]} was used then and is not named now" in told.out
    assert "The baseline profile is not made again: the training data" in told.err
    assert "there is nothing" in told.err


def sha256_of(table, tmp_path):
    table.to_parquet(tmp_path / "again.parquet")
    return hashlib.sha256((tmp_path / "again.parquet").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory, table):
    """(address of a Parquet file in a bucket, the key and the secret that alone may read it)."""
    with sink_servers.objects(tmp_path_factory.mktemp("s3")) as server:
        given = {"access_key": "any", "secret_key": "any", "scheme": "http", "region": "us-east-1"}
        system = pyarrow.fs.S3FileSystem(**given, endpoint_override=f"127.0.0.1:{server.port}", allow_bucket_creation=True)
        system.create_dir("lake")
        written = io.BytesIO()
        table.to_parquet(written)
        with system.open_output_stream("lake/train.parquet") as file:
            file.write(written.getvalue())
        query = f"scheme=http&region=us-east-1&endpoint_override=127.0.0.1%3A{server.port}"
        yield f"s3://lake/train.parquet?{query}", *sink_servers.locked(server), written.getvalue()


def test_data_in_a_bucket_is_read_with_the_callers_credentials_which_stay_with_them(
    place,  # noqa: F811
    wishes,
    bucket,
    monkeypatch,
    capfd,
):
    address, key, secret, content = bucket
    path, wished = wishes(address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(errors.ModelSourceInvalid, match=r"cannot be read: .*ACCESS_DENIED") as refused:
        making.fulfil(path, place, wished)
    assert list(place.bundles.iterdir()) == []
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    digest, manifest = making.fulfil(path, place, wished)
    assert baseline(place, digest).rows == ROWS
    assert manifest.provenance.data == (
        manifests.Dataset("train.parquet", "training", hashlib.sha256(content).hexdigest(), address),
    )
    with pytest.raises(errors.ModelSourceInvalid, match="there is nothing"):
        making.fulfil(path, place, wishes(address.replace("train", "gone"))[1])
    kept = b"".join(one.read_bytes() for one in place.root.rglob("*") if one.is_file())
    told = "".join([*capfd.readouterr(), str(refused.value), refused.value.cure]).encode()
    assert not [one for one in (key, secret) if one.encode() in kept + told]


def test_what_runs_the_model_has_no_credentials_while_its_data_is_in_a_bucket(place, save, bucket, tmp_path, table, monkeypatch):  # noqa: F811
    address, key, secret, _ = bucket
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    path, _ = save(secret="AWS_SECRET_ACCESS_KEY")  # a model that raises with what it has in its environment
    table[["small", "large", "other"]][200:230].to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(errors.WarmupFailed, match="AWS_SECRET_ACCESS_KEY=None"):
        making.fulfil(path, place, making.Wishes(trust="pickle", example=tmp_path / "rows.csv", training=address))


def test_a_large_row_group_is_read_in_little_memory(tmp_path):
    """Two millions of rows of eight columns in one group: 128 MB, were it held."""
    rng = np.random.default_rng(5)
    data = pa.table({f"x{at}": rng.normal(size=2_000_000) for at in range(8)})
    pq.write_table(data, tmp_path / "train.parquet", row_group_size=2_000_000)
    columns = tuple(manifests.Column(name, "double") for name in data.schema.names)
    del data
    read = "import resource, sys, msgspec; from tidegate.delivery.training import surveying, training;"
    read += "import numpy, pyarrow.dataset; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
    read += "told = surveying.survey(msgspec.json.decode(sys.stdin.buffer.read(), type=training.Asked));"
    read += "print(told.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    asked = msgspec.json.encode(training.Asked(str(tmp_path / "train.parquet"), columns, True))
    said = subprocess.run([sys.executable, "-c", read], input=asked, capture_output=True, check=True).stdout.split()
    assert int(said[0]) == 2_000_000
    assert int(said[1]) < 100 << (10 if sys.platform == "linux" else 20)


def test_a_column_that_is_in_the_paths_of_a_folder_is_a_column(tmp_path):
    for year, rows in ((2024, 150), (2025, 250)):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"x": np.arange(rows, dtype=float)}), tmp_path / f"year={year}" / "part.parquet")
    pq.write_table(pa.table({"y": [1.0] * 100}), tmp_path / "year=2025" / "without-x.parquet")
    columns = (manifests.Column("x", "double"), manifests.Column("year", "long"))
    told = surveying.survey(training.Asked(str(tmp_path), columns, True))
    assert (told.rows, told.columns["x"].nulls) == (500, 100)
    assert (told.columns["year"].points[0], told.columns["year"].points[-1], told.columns["year"].nulls) == (2024, 2025, 0)


def test_data_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    data = tmp_path / "train.csv"
    data.write_text("x\n" + "1.5\n" * 300)
    counted = surveying._counted

    def changed(*given):
        found = counted(*given)
        data.write_text("x\n" + "2.5\n" * 300)
        return found

    monkeypatch.setattr(surveying, "_counted", changed)
    with pytest.raises(errors.ModelSourceInvalid, match="changed while it was read"):
        surveying.survey(training.Asked(str(data), (manifests.Column("x", "double"),), True))
