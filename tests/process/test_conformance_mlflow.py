"""MLflow's scoring client, and the client that is generated from the Open Inference Protocol's own OpenAPI document."""

import importlib.metadata
import sys

import pytest

from tests.process.conformance_fixtures import FARES, ROWS, SCALED, TOTALS, fares

pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def mlflow(system):
    return system.run(sys.executable, "mlflow_scoring")


@pytest.fixture(scope="module")
def generated(system):
    return system.ask("open-inference", "generated")


def test_mlflow_frames_and_csv_are_answered_as_the_model_does(mlflow):
    for form in ("frame", "as frame", "csv", "params"):
        assert mlflow[form] == fares(FARES)
    assert mlflow["version"] == importlib.metadata.version("tidegate")


@pytest.mark.parametrize("form", ["array", "list"])
def test_mlflow_arrays(mlflow, form):
    assert mlflow[form] == [{"total": total, "scaled": scaled} for total, scaled in zip(TOTALS, SCALED, strict=True)]


def test_mlflow_failures_carry_our_words(mlflow):
    assert "(error code 400" in mlflow["wrong"]
    assert "unknown column `stop`. Did you mean `stops`?" in mlflow["wrong"]
    assert "(error code 404" in mlflow["unknown"]
    assert "POST to /endpoints/NAME/invocations" in mlflow["several"]


def test_the_generated_client_reads_every_answer_into_its_types(generated):
    assert generated["health"] == [None] * 3
    assert generated["server"]["name"] == "tidegate"
    assert generated["model"] == generated["model version"]
    assert generated["model"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    answer = generated["infer"]
    assert (answer["id"], answer["model_version"], len(answer["outputs"])) == ("mine", "v1", 2)
    assert answer["outputs"][1] == {
        "name": "scaled",
        "shape": [len(ROWS), 3],
        "datatype": "FP32",
        "data": [value for row in SCALED for value in row],
    }
    assert [one["name"] for one in generated["outputs"]["outputs"]] == ["total"]


def test_the_generated_client_reads_errors_too(generated):
    status, body = generated["unknown"]
    assert (status, body["code"]) == (404, "endpoint-unknown")
    status, body = generated["wrong"]
    assert (status, body["error"]) == (400, "input `x`: expected shape [-1, 3], got [3, 2]")
