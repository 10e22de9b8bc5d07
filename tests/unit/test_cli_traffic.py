"""Bodies to send, and outcomes to report, from files: what is read, and which line is wrong."""

import datetime as dt
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidegate.core.vocabulary import errors, ids
from tidegate.interface.cli import traffic, truths
from tidegate.interface.demo import client

ID = ids.text(ids.uuid7(1_700_000_000_000, 5))


def test_a_csv_row_is_a_record_with_numbers_nulls_and_words(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("carrier,delay,gust,late\nUA,12,,true\nDL,-1.5,nan,x y\n")
    first, second = (json.loads(one)["records"][0] for one in traffic.rows_of(path))
    assert first == {"carrier": "UA", "delay": 12, "gust": None, "late": True}
    assert second == {"carrier": "DL", "delay": -1.5, "gust": "nan", "late": "x y"}


def test_a_word_with_an_underscore_is_no_number():
    assert [traffic.value(cell) for cell in ("1_2", "12", " 1e3 ", "nan", "9" * 400, "TRUE", " ")] == [
        "1_2",
        12,
        1_000.0,
        "nan",
        int("9" * 400),
        True,
        None,
    ]


def test_json_lines_are_records_or_whole_bodies(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"records": [{"a": 2}, {"a": 3}]}\n')
    assert [json.loads(one) for one in traffic.rows_of(path)] == [{"records": [{"a": 1}]}, {"records": [{"a": 2}, {"a": 3}]}]


def test_a_parquet_row_is_a_record(tmp_path):
    path = tmp_path / "rows.parquet"
    columns = {"carrier": ["UA", None], "gust": [1.5, float("nan")], "stops": [2, 3]}
    day = pa.array([dt.datetime(2026, 11, 30, 8, tzinfo=dt.UTC), None], pa.timestamp("ms"))
    pq.write_table(pa.table({**columns, "at": day, "price": [decimal.Decimal("1.25"), None]}), path)
    first, second = (json.loads(one)["records"][0] for one in traffic.rows_of(path))
    assert first == {"carrier": "UA", "gust": 1.5, "stops": 2, "at": "2026-11-30T08:00:00", "price": 1.25}
    assert second == {"carrier": None, "gust": None, "stops": 3, "at": None, "price": None}


def test_parquet_that_cannot_be_sent_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR")
    with pytest.raises(errors.InputInvalid, match="cannot be read"):
        traffic.rows_of(path)
    pq.write_table(pa.table({"picture": [b"\xff"]}), path)
    with pytest.raises(errors.InputInvalid, match="what JSON does not"):
        traffic.rows_of(path)
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    with pytest.raises(errors.InputInvalid, match="no rows"):
        traffic.rows_of(path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("x.jsonl", '{"a": 1}\n{"a"\n', "x.jsonl:2"), ("x.csv", "a,b\n", "no rows"), ("x.csv", "", "no rows")],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(errors.InputInvalid) as wrong:
        traffic.rows_of(tmp_path / name)
    assert says in str(wrong.value)


def test_what_failed_is_said_in_the_words_of_its_first_answer():
    tally = traffic.Tally()
    for column in ("repaid", "customer"):
        body = json.dumps({"code": "input-invalid", "error": f"unknown column `{column}`."}).encode()
        traffic._count(tally, client.Answer(400, {}, body, 0.01))
    traffic._count(tally, client.Answer(502, {}, b"<html>", 0.01))
    traffic._count(tally, client.Answer(0, {}, b"", 0.01, trouble="no connection"))
    assert tally.reasons == {"400 input-invalid": 2, "502": 1, "no connection": 1}
    assert tally.facts()["words"] == {"400 input-invalid": "unknown column `repaid`."}


def test_outcomes_are_read_whole_before_any_is_sent(tmp_path):
    path = tmp_path / "outcomes.csv"
    path.write_text(f"id,label,label_version\n{ID},1,\n{ID}/3,late,2\n")
    assert list(truths.read(path)) == [
        {"id": ID, "label": 1, "label_version": 1},
        {"id": f"{ID}/3", "label": "late", "label_version": 2},
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,value\nx,1\n", "outcomes.csv:2"),
        ("id,note\nx,1\n", "outcomes.csv:1"),
        (f"id,label\n{ID},1\nnonsense,1\n", "outcomes.csv:3"),
        (f"id,label\n{ID},\n", "outcomes.csv:2"),
        (f"id,label,label_version\n{ID},1,0.5\n", "outcomes.csv:2"),
    ],
)
def test_an_outcome_that_cannot_be_used_is_named_with_its_line(tmp_path, text, says):
    path = tmp_path / "outcomes.csv"
    path.write_text(text)
    with pytest.raises(errors.OutcomeInvalid) as wrong:
        list(truths.read(path))
    assert says in str(wrong.value)


def test_a_file_may_hold_values_of_metrics_by_id_and_by_key(tmp_path):
    identifier = ids.text(ids.uuid7(1, 1))
    table = tmp_path / "values.csv"
    table.write_text(f"id,key,endpoint,metric,value\n{identifier},,,revenue,3.5\n,ann,shop,clicks,2\n")
    lines = tmp_path / "values.jsonl"
    lines.write_text(json.dumps({"key": 7, "endpoint": "shop", "metric": "revenue", "value": -1}) + "\n")
    assert [*truths.read(table), *truths.read(lines)] == [
        {"id": identifier, "metric": "revenue", "value": 3.5},
        {"key": "ann", "endpoint": "shop", "metric": "clicks", "value": 2},
        {"key": 7, "endpoint": "shop", "metric": "revenue", "value": -1},
    ]


@pytest.mark.parametrize(
    "line",
    [
        {"key": "ann", "metric": "revenue", "value": 1},
        {"key": "ann", "endpoint": "shop", "label": 1},
        {"key": "ann", "endpoint": "shop", "metric": "revenue", "value": "much"},
        {"metric": "revenue", "value": 1},
        {"metric": "revenue", "value": 1, "units": "EUR"},
    ],
)
def test_a_value_that_cannot_be_posted_is_refused_with_its_line(tmp_path, line):
    path = tmp_path / "values.jsonl"
    path.write_text("\n" + json.dumps(line))
    with pytest.raises(errors.OutcomeInvalid) as raised:
        list(truths.read(path))
    assert raised.value.where == f"{path}:2"


def test_a_tally_counts_versions_failures_and_percentiles():
    tally = traffic.Tally(answered=3, failed=1, sent=4, seconds=2.0)
    tally.latencies.extend([0.001, 0.002, 0.1])
    facts = tally.facts()
    assert (facts["rps"], facts["p50_ms"], facts["p99_ms"]) == (1.5, 2.0, 100.0)
    assert traffic.Tally().facts()["p99_ms"] == 0.0
