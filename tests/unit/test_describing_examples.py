"""Example rows as they are found: MLflow's own files and people's."""

import json
import pathlib

from tidegate.core.vocabulary import manifests
from tidegate.delivery.describing import examples

SIGNATURE = manifests.Signature("columns", (manifests.Column("a", "string"), manifests.Column("b", "double", required=False)), ())


def test_mlflows_example_is_read_with_the_nan_that_mlflow_writes_for_missing_numbers(tmp_path: pathlib.Path) -> None:
    (tmp_path / "input_example.json").write_text('{"columns": ["a", "b"], "data": [["x", 1.5], ["y", NaN]]}')
    rows = examples.of_mlflow(tmp_path, {"artifact_path": "input_example.json", "type": "dataframe"}, SIGNATURE)
    assert [row["a"] for row in rows] == ["x", "y"]
    assert json.loads(examples.body(rows)) == {"records": [{"a": "x", "b": 1.5}, {"a": "y", "b": None}]}


def test_a_persons_json_example_may_have_nan_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "rows.json").write_text('[{"a": "x", "b": NaN}]')
    assert json.loads(examples.body(examples.read(tmp_path / "rows.json"))) == {"records": [{"a": "x", "b": None}]}
