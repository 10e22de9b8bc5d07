"""Outcomes from files whose columns are called otherwise, and those that name whom and when."""

import csv
import datetime as dt
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidegate.core.vocabulary import errors, ids
from tidegate.interface.cli import truths

ONE, TWO = (ids.text(ids.uuid7(1_700_000_000_000, chance)) for chance in (1, 2))
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def test_a_parquet_file_says_what_its_columns_are_called(tmp_path):
    path = tmp_path / "truth.parquet"
    columns = {"prediction": [ONE, TWO], "late": [True, False], "seen": [1, 2], "note": ["x", "y"]}
    pq.write_table(pa.table(columns), path)
    found = list(truths.read(path, {"id": "prediction", "label": "late", "label_version": "seen"}))
    assert found == [{"id": ONE, "label": True, "label_version": 1}, {"id": TWO, "label": False, "label_version": 2}]


def test_keys_and_times_are_taken_in_whatever_type_they_are(tmp_path):
    path = tmp_path / "truth.parquet"
    columns = {"customer": [7, 8], "at": [NOON, None], "paid": [decimal.Decimal("1.50"), decimal.Decimal("2")]}
    pq.write_table(pa.table(columns), path)
    rows = truths.read(path, {"key": "customer", "time": "at", "label": "paid"}, {"endpoint": "churn", "metric": ""})
    assert next(rows) == {
        "key": 7,
        "endpoint": "churn",
        "time": "2026-03-01T12:00:00+00:00",
        "label": 1.5,
        "label_version": 1,
    }
    with pytest.raises(errors.OutcomeInvalid, match="row 2: a key has"):
        next(rows)


def test_a_column_may_be_of_values_of_one_metric(tmp_path):
    path = tmp_path / "revenue.csv"
    path.write_text(f"id,eur\n{ONE},3.5\n")
    assert list(truths.read(path, {"value": "eur"}, {"endpoint": "", "metric": "revenue"})) == [
        {"id": ONE, "metric": "revenue", "value": 3.5}
    ]


def test_lines_may_call_their_keys_otherwise(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text(json.dumps({"pid": ONE, "y": "late"}))
    assert list(truths.read(path, {"id": "pid", "label": "y"})) == [{"id": ONE, "label": "late", "label_version": 1}]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"id": "pid"}, "there is no column pid"),
        ({"label": "y"}, "there is no column y"),
        ({"key": "who"}, "there is no column who"),
    ],
)
def test_a_column_that_is_not_there_is_named(tmp_path, columns, says):
    path = tmp_path / "truth.csv"
    path.write_text(f"id,label\n{ONE},1\n")
    with pytest.raises(errors.OutcomeInvalid, match=says):
        list(truths.read(path, columns))


@pytest.mark.parametrize("raw", [b"PAR1nonsensePAR1", b""])
def test_a_damaged_parquet_file_is_named(tmp_path, raw):
    path = tmp_path / "truth.parquet"
    path.write_bytes(raw)
    with pytest.raises(errors.OutcomeInvalid, match=r"truth\.parquet"):
        list(truths.read(path))


def test_what_clients_wrote_is_no_formula_on_a_sheet(tmp_path):
    path = tmp_path / "sheet.csv"
    formulas = ["=HYPERLINK(0)", "+1", "-1+cmd|'/C calc'!A0", "@SUM(1)", "\t=1"]
    lines = [{"task": "t", "id": ONE, "label": None, "answer": -0.5, "=x": text} for text in formulas]
    with path.open("x", newline="") as file:
        truths.write_sheet(file, lines)
    with path.open(newline="") as file:
        headings, *rows = csv.reader(file)
    assert headings == ["task", "id", "label", "answer", "'=x"]
    assert [row[3:] for row in rows] == [["-0.5", f"'{text}"] for text in formulas]
    path.write_text(path.read_text().replace(f"{ONE},,", f"{ONE},1,", 1))
    assert next(truths.sheet(path)) == ("t", {"id": ONE, "label": 1, "label_version": 1})


def test_a_file_that_is_not_there_is_named_once(tmp_path):
    with pytest.raises(errors.OutcomeInvalid) as refused:
        list(truths.read(tmp_path / "truth.csv"))
    assert str(refused.value).count("truth.csv") == 1
