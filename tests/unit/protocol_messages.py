"""The Open Inference Protocol's messages as Google's protobuf knows them: an independent reader and writer for the tests."""

import functools

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

T = descriptor_pb2.FieldDescriptorProto
TENSOR = (
    ("name", 1, "s"),
    ("datatype", 2, "s"),
    ("shape", 3, "i64*"),
    ("parameters", 4, "{}"),
    ("contents", 5, "InferTensorContents"),
)
MESSAGES = {
    "InferParameter": (
        ("bool_param", 1, "b"),
        ("int64_param", 2, "i64"),
        ("string_param", 3, "s"),
        ("double_param", 4, "d"),
        ("uint64_param", 5, "u64"),
    ),
    "InferTensorContents": (
        ("bool_contents", 1, "b*"),
        ("int_contents", 2, "i32*"),
        ("int64_contents", 3, "i64*"),
        ("uint_contents", 4, "u32*"),
        ("uint64_contents", 5, "u64*"),
        ("fp32_contents", 6, "f*"),
        ("fp64_contents", 7, "d*"),
        ("bytes_contents", 8, "y*"),
    ),
    "InferInputTensor": TENSOR,
    "InferOutputTensor": TENSOR,
    "InferRequestedOutputTensor": (("name", 1, "s"), ("parameters", 2, "{}")),
    "ModelInferRequest": (
        ("model_name", 1, "s"),
        ("model_version", 2, "s"),
        ("id", 3, "s"),
        ("parameters", 4, "{}"),
        ("inputs", 5, "InferInputTensor*"),
        ("outputs", 6, "InferRequestedOutputTensor*"),
        ("raw_input_contents", 7, "y*"),
    ),
    "ModelInferResponse": (
        ("model_name", 1, "s"),
        ("model_version", 2, "s"),
        ("id", 3, "s"),
        ("parameters", 4, "{}"),
        ("outputs", 5, "InferOutputTensor*"),
        ("raw_output_contents", 6, "y*"),
    ),
    "ServerReadyResponse": (("ready", 1, "b"),),
    "ServerMetadataResponse": (("name", 1, "s"), ("version", 2, "s"), ("extensions", 3, "s*")),
    "ModelMetadataRequest": (("name", 1, "s"), ("version", 2, "s")),
    "TensorMetadata": (("name", 1, "s"), ("datatype", 2, "s"), ("shape", 3, "i64*")),
    "ModelMetadataResponse": (
        ("name", 1, "s"),
        ("versions", 2, "s*"),
        ("platform", 3, "s"),
        ("inputs", 4, "TensorMetadata*"),
        ("outputs", 5, "TensorMetadata*"),
    ),
    "ModelInput": (("name", 1, "s"), ("data_type", 2, "i32"), ("dims", 4, "i64*"), ("optional", 8, "b")),
    "ModelOutput": (("name", 1, "s"), ("data_type", 2, "i32"), ("dims", 3, "i64*")),
    "ModelConfig": (
        ("name", 1, "s"),
        ("platform", 2, "s"),
        ("max_batch_size", 4, "i32"),
        ("input", 5, "ModelInput*"),
        ("output", 6, "ModelOutput*"),
        ("backend", 17, "s"),
    ),
    "ModelConfigResponse": (("config", 1, "ModelConfig"),),
}
KINDS = {
    "s": T.TYPE_STRING, "y": T.TYPE_BYTES, "b": T.TYPE_BOOL, "i32": T.TYPE_INT32, "i64": T.TYPE_INT64, "u32": T.TYPE_UINT32,
    "u64": T.TYPE_UINT64, "f": T.TYPE_FLOAT, "d": T.TYPE_DOUBLE,
}  # fmt: skip


@functools.cache
def message(name):
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"inference.{name}"))


@functools.cache
def _pool():
    file = descriptor_pb2.FileDescriptorProto(name="inference.proto", package="inference", syntax="proto3")
    for name, fields in MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, number, kind in fields:
            repeated = kind.endswith("*") or kind == "{}"
            one = made.field.add(name=field, number=number, label=T.LABEL_REPEATED if repeated else T.LABEL_OPTIONAL)
            if kind == "{}":
                _entry(made)
                one.type, one.type_name = T.TYPE_MESSAGE, f".inference.{name}.ParametersEntry"
            elif (plain := kind.rstrip("*")) in KINDS:
                one.type = KINDS[plain]
            else:
                one.type, one.type_name = T.TYPE_MESSAGE, f".inference.{plain}"
        if name == "InferParameter":
            made.oneof_decl.add(name="parameter_choice")
            for one in made.field:
                one.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _entry(made):
    entry = made.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=T.TYPE_STRING, label=T.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=T.TYPE_MESSAGE, label=T.LABEL_OPTIONAL, type_name=".inference.InferParameter")
