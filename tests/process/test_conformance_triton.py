"""NVIDIA's clients of the Open Inference Protocol, as they are: tritonclient over HTTP and gRPC."""

import pytest

from tests.process.conformance_fixtures import ROWS, SAMPLES, SCALED, TOTALS, echoed
from tidegate.core.vocabulary import ids

NOWHERE = "There is no such endpoint. GET /v2/models lists them."
NO_VERSION = "The endpoint has no such version at hand. GET /v2/models/NAME lists its versions."
LATE = "The model did not answer within the time limit."
FAILED = "The model raised an error on this input. Operators find its own words with `tidegate logs ENDPOINT/VERSION`."
SHAPE = "input `x`: expected shape [-1, 3], got [2, 2]"


@pytest.fixture(scope="module")
def http(system):
    return system.ask("tritonclient", "triton_http")


@pytest.fixture(scope="module")
def grpc(system):
    return system.ask("tritonclient", "triton_grpc")


def named(described, name):
    return next(one for one in described if one["name"] == name)


def test_health_and_metadata(http):
    seen = http["health"]
    assert (seen["live"], seen["ready"], seen["models"]) == (True, True, [True, True, True, False, False])
    assert seen["server"]["name"] == "tidegate"
    assert seen["server"]["extensions"] == ["binary_tensor_data", "parameters", "model_configuration"]
    for side in ("inputs", "outputs"):
        assert {one["name"]: one["datatype"] for one in seen["metadata"][side]} == {
            name: one["datatype"] for name, one in SAMPLES.items()
        }
    assert seen["versioned"]["versions"] == ["v1"]


def test_the_configuration_that_load_tools_need(http):
    config = http["health"]["config"]
    assert config["name"] == "echo"
    assert config["max_batch_size"] > 1
    for side in ("input", "output"):
        assert [one["name"] for one in config[side]] == list(SAMPLES)
        assert named(config[side], "fp32")["data_type"] == "TYPE_FP32"
        assert named(config[side], "bytes")["data_type"] == "TYPE_STRING"
        assert all(one["dims"] == [2] for one in config[side])


@pytest.mark.parametrize("form", ["binary", "mixed"])
def test_every_datatype_comes_back_as_it_was_sent(http, form):
    assert http[form] == echoed()


def test_every_datatype_that_json_has_comes_back_as_json(http):
    assert http["json"] == echoed("bf16")


def test_outputs_asked_for_come_in_the_form_asked_for(http):
    assert http["outputs"] == {"parameters": {"total": [], "scaled": ["binary_data_size"]}, "total": TOTALS, "scaled": SCALED}


def test_the_clients_own_id_comes_back_and_ours_is_apart(http, grpc):
    assert (http["id"], http["no id"]) == ("mine/1 ä", False)
    assert grpc["id"] == ["mine/1 ä", "matrix", "v1", ["prediction_id"]]


def test_parameters_that_are_not_known_change_nothing(http):
    assert http["parameters"] == [TOTALS, ["prediction_id"]]
    assert http["sequence"] == TOTALS


def test_versions_by_number_and_by_name(http, grpc):
    assert http["versions"] == grpc["versions"] == ["v1", "v1", "v1"]


def test_a_body_made_apart_and_read_apart(http):
    assert http["offline"] == TOTALS


def test_requests_in_threads_and_on_a_loop(http):
    assert http["async"] == [TOTALS] * 6
    aio = http["aio"]
    assert (aio["live"], aio["config"], aio["failed"]) == (True, "matrix", "404")
    assert (aio["ids"], aio["said"]) == ([str(n) for n in range(8)], [TOTALS] * 8)


def test_bodies_compressed_both_ways(http, grpc):
    assert http["compressed"] == {
        form: [TOTALS, 500 * len(ROWS)] for form in ("gzip gzip", "deflate deflate", "None gzip", "gzip None")
    }
    assert grpc["compressed"] == [TOTALS] * 3


def test_nan_is_a_missing_number_and_infinity_is_refused(http):
    odd = http["odd"]
    assert odd["nan"] == [[True, True], [False, False]]
    assert odd["null"] == [None, None, *SAMPLES["fp64"]["values"][2:]]
    assert odd["infinity"] == {
        "status": "400",
        "message": "input `fp64`, row 0, element [0]: expected a finite number, got infinity",
    }
    assert odd["bytes"]["status"] == "400"
    assert "UTF-8" in odd["bytes"]["message"]


def test_http_errors_are_the_clients_exceptions_with_our_words(http):
    said = {name: (one["status"], one["message"]) for name, one in http["errors"].items()}
    assert said.pop("shape") == ("400", SHAPE)
    assert said.pop("datatype") == ("400", "input `x`: expected datatype FP32, got 'BYTES'")
    assert said.pop("model") == ("404", NOWHERE)
    assert said.pop("version") == ("404", NO_VERSION)
    assert said.pop("output") == ("400", "unknown output `nothing`. The model has: total, scaled.")
    assert said.pop("classification")[0] == "400"
    assert said.pop("deadline") == ("504", LATE)
    assert said.pop("failing") == ("500", FAILED)
    assert {status for status, _ in said.values()} == {"404"}  # extensions that are not spoken


def test_grpc_health_metadata_and_configuration(grpc):
    seen = grpc["health"]
    assert (seen["live"], seen["ready"], seen["models"]) == (True, True, [True] * 3)
    assert seen["unknown"] == {"status": "StatusCode.NOT_FOUND", "message": NOWHERE}
    assert seen["server"]["extensions"] == ["binary_tensor_data", "parameters", "model_configuration"]
    assert named(seen["metadata"]["inputs"], "uint64") == {"name": "uint64", "datatype": "UINT64", "shape": ["-1", "2"]}
    assert named(seen["config"]["input"], "bytes") == {"name": "bytes", "data_type": "TYPE_STRING", "dims": ["2"]}
    assert named(seen["config"]["output"], "fp16")["dims"] == ["2"]


def test_grpc_raw_contents(grpc):
    assert grpc["raw"] == echoed()
    assert grpc["outputs"] == [["scaled"], SCALED]


def test_grpc_typed_contents_are_answered_typed(grpc):
    assert grpc["typed"] == {"outputs": echoed("fp16", "bf16"), "raw": 0, "id": "t"}


def test_grpc_callbacks_and_asyncio(grpc):
    assert grpc["callbacks"] == [[n, TOTALS] for n in range(6)]
    aio = grpc["aio"]
    assert (aio["ready"], aio["failed"]) == (True, "StatusCode.NOT_FOUND")
    assert (aio["ids"], aio["said"]) == ([str(n) for n in range(8)], [TOTALS] * 8)


def test_grpc_errors_have_grpcs_codes_and_our_words(grpc):
    said = {name: (one["status"].partition(".")[2], one["message"]) for name, one in grpc["errors"].items()}
    assert said.pop("shape") == ("INVALID_ARGUMENT", SHAPE)
    assert said.pop("model") == ("NOT_FOUND", NOWHERE)
    assert said.pop("version") == ("NOT_FOUND", NO_VERSION)
    assert said.pop("output")[0] == "INVALID_ARGUMENT"
    assert said.pop("deadline")[0] == "DEADLINE_EXCEEDED"
    assert said.pop("header") == ("DEADLINE_EXCEEDED", LATE)
    assert said.pop("failing") == ("INTERNAL", FAILED)
    assert {status for status, _ in said.values()} == {"UNIMPLEMENTED"}


def test_predictions_are_in_the_log_under_the_id_they_were_answered_with(system, http, grpc):
    contents = {ids.text(record.id): record.content for record in system.rig.records()}
    assert contents[http["prediction"]] == "binary"
    assert contents[grpc["prediction"]] == "grpc"
