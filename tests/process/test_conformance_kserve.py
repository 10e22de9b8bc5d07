"""KServe's clients of the Open Inference Protocol, as they are, over REST and gRPC."""

import pytest

from tests.process.conformance_fixtures import SCALED, TOTALS, echoed


@pytest.fixture(scope="module")
def seen(system):
    return system.ask("kserve", "kserve_v2")


@pytest.fixture(scope="module")
def rest(seen):
    return seen["rest"]


@pytest.fixture(scope="module")
def grpc(seen):
    return seen["grpc"]


def test_rest_health_by_either_word(rest):
    assert (rest["health"], rest["models"]) == ([True, True], [True, False])


def test_rest_json_and_binary(rest):
    assert rest["json"] == echoed("bf16", "fp16")
    assert rest["binary"] == echoed("bf16")
    assert rest["dict"] == TOTALS


def test_rest_ids_outputs_and_headers(rest):
    assert rest["id"] == ["mine", "matrix", None, TOTALS]  # the client does not look for the version
    assert rest["outputs"] == [["scaled", SCALED]]
    assert rest["headers"] == ["tidegate-prediction-id", "tidegate-version"]


def test_rest_errors_carry_our_words(rest):
    assert rest["errors"] == {
        "shape": [400, "input `x`: expected shape [-1, 3], got [2, 2], '400 Bad Request'"],
        "model": [404, "There is no such endpoint. GET /v2/models lists them., '404 Not Found'"],
        "deadline": [504, "The model did not answer within the time limit., '504 Gateway Timeout'"],
    }


def test_grpc(grpc):
    assert (grpc["health"], grpc["ready"]) == ([True, True], True)
    assert grpc["raw"] == echoed("bf16")
    assert grpc["typed"] == TOTALS
    assert grpc["id"] == ["mine", "matrix", "v1", TOTALS]


def test_grpc_errors_are_statuses(grpc):
    assert {name: status for name, (status, _) in grpc["errors"].items()} == {
        "shape": "INVALID_ARGUMENT",
        "model": "NOT_FOUND",
        "deadline": "DEADLINE_EXCEEDED",
    }
    assert grpc["errors"]["shape"][1] == "input `x`: expected shape [-1, 3], got [2, 2]"
