"""The protobuf wire format and the small gRPC messages, held against Google's protobuf."""

import json

import pytest

from tests.unit import protocol_messages
from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import grpcmessages, protobuf


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"\x0a", "ends within a number", id="no-length"),
        pytest.param(b"\x0a\x05abc", "ends 2 bytes before field 1 does", id="string-cut-off"),
        pytest.param(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", "before field 1 does", id="length-of-exabytes"),
        pytest.param(b"\x08" + b"\xff" * 11, "over ten bytes", id="endless-number"),
        pytest.param(b"\x09\x01\x02", "ends 6 bytes before field 1", id="double-cut-off"),
        pytest.param(b"\x0b\x0c", "wire type 3", id="group"),
        pytest.param(b"\x0f", "wire type 7", id="no-such-wire-type"),
        pytest.param(b"\x00\x01", "number 0", id="field-zero"),
    ],
)
def test_a_message_that_is_none_is_refused(data, words):
    with pytest.raises(errors.BodyMalformed, match=words):
        list(protobuf.fields(data))


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (protobuf.text, (1, protobuf.LENGTH, b"\xff")),
        (protobuf.text, (1, protobuf.VARINT, 3)),
        (protobuf.unsigned, (1, protobuf.LENGTH, b"")),
        (protobuf.double, (1, protobuf.FIXED32, b"0000")),
        (lambda field: protobuf.varints([field]), (1, protobuf.LENGTH, b"\x80")),
        (lambda field: protobuf.varints([field]), (1, protobuf.FIXED32, b"0000")),
        (lambda field: protobuf.floats([field], "d"), (1, protobuf.LENGTH, b"1234567")),
        (lambda field: protobuf.floats([field], "f"), (1, protobuf.FIXED64, b"12345678")),
    ],
)
def test_a_field_of_another_kind_is_refused(read, field):
    with pytest.raises(errors.BodyMalformed, match=r"field 1|within a number"):
        read(field)


def test_small_numbers_are_the_same_packed_and_one_by_one():
    apart = [(3, protobuf.VARINT, 1), (3, protobuf.LENGTH, b"\x02\x03"), (3, protobuf.LENGTH, b"\xac\x02")]
    assert protobuf.varints(apart) == [1, 2, 3, 300]
    assert protobuf.signeds([(3, protobuf.LENGTH, b"\xff" * 9 + b"\x01")]) == [-1]


def test_which_model_is_asked_is_read_past_fields_that_are_not_known():
    made = protocol_messages.message("ModelInferRequest")(model_name="é", model_version="7", id="mine")
    made.inputs.add(name="x", datatype="FP64", shape=[1, 2]).contents.fp64_contents.extend([1.5, 2])
    data = b"\xf8\x3f\x2a" + made.SerializeToString()
    assert grpcmessages.called(data) == ("é", "7", "mine")
    assert grpcmessages.asked(protocol_messages.message("ModelMetadataRequest")(name="m").SerializeToString()) == ("m", "", "")


def test_answers_about_the_server_are_read_as_meant():
    ready = protocol_messages.message("ServerReadyResponse")
    assert [ready.FromString(grpcmessages.ready(value)).ready for value in (True, False)] == [True, False]
    server = protocol_messages.message("ServerMetadataResponse").FromString(grpcmessages.server("tidegate", "1.2", ["a", "b"]))
    assert (server.name, server.version, list(server.extensions)) == ("tidegate", "1.2", ["a", "b"])


def test_a_models_metadata_and_configuration_are_read_as_meant():
    tensors = [{"name": "x", "datatype": "FP32", "shape": [-1, 3], "parameters": {"optional": True}}]
    described = {"name": "m", "versions": ["v1", "v2"], "platform": "sklearn", "inputs": tensors, "outputs": tensors * 2}
    made = protocol_messages.message("ModelMetadataResponse").FromString(grpcmessages.model(json.dumps(described).encode()))
    assert (made.name, list(made.versions), made.platform) == ("m", ["v1", "v2"], "sklearn")
    assert [(one.name, one.datatype, list(one.shape)) for one in made.outputs] == [("x", "FP32", [-1, 3])] * 2
    given = {"name": "m", "backend": "python", "max_batch_size": 8}
    given["input"] = [{"name": "x", "data_type": "TYPE_FP32", "dims": [3], "optional": True}]
    given["output"] = [{"name": "y", "data_type": "TYPE_STRING", "dims": [1]}]
    config = protocol_messages.message("ModelConfigResponse").FromString(grpcmessages.config(json.dumps(given).encode())).config
    assert (config.name, config.backend, config.max_batch_size) == ("m", "python", 8)
    assert [(one.name, one.data_type, list(one.dims), one.optional) for one in config.input] == [("x", 11, [3], True)]
    assert [(one.name, one.data_type, list(one.dims)) for one in config.output] == [("y", 13, [1])]
