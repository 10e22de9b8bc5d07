"""tritonclient.grpc: raw and typed contents, callbacks, asyncio. Prints what it saw as JSON."""

import asyncio
import json
import queue
import sys

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.grpc.aio as aio
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

given = json.load(sys.stdin)
url, samples, rows = given["grpc"], given["samples"], np.array(given["rows"], dtype=np.float32)
client = grpc.InferenceServerClient(url)
seen = {}
CONTENTS = {"BOOL": "bool", "INT8": "int", "INT16": "int", "INT32": "int", "INT64": "int64", "UINT8": "uint", "UINT16": "uint"}
CONTENTS |= {"UINT32": "uint", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes"}


def array(sample):
    values = sample["values"]
    if sample["datatype"] == "BYTES":
        values = [value.encode() for value in values]
    return np.array(values, dtype=triton_to_np_dtype(sample["datatype"])).reshape(sample["shape"])


def tensor(name, values, datatype):
    made = grpc.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values)
    return made


def plain(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values.reshape(-1).tolist()]


def matrix(**more):
    return {"model_name": "matrix", "inputs": [tensor("x", rows, "FP32")], **more}


def said(result):
    return result.as_numpy("total").tolist()


def refused(call):
    try:
        return {"answered": str(call())}
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}


def health():
    names = [("matrix", ""), ("matrix", "1"), ("matrix", "v1")]
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "models": [client.is_model_ready(name, version) for name, version in names],
        "unknown": refused(lambda: client.is_model_ready("nothing")),
        "server": client.get_server_metadata(as_json=True),
        "metadata": client.get_model_metadata("echo", as_json=True),
        "config": client.get_model_config("echo", as_json=True)["config"],
    }


def raw():
    inputs = [tensor(name, array(one), one["datatype"]) for name, one in samples.items()]
    result = client.infer("echo", inputs)
    return {one.name: [list(one.shape), one.datatype, plain(result.as_numpy(one.name))] for one in result.get_response().outputs}


def typed():
    """Typed contents, by the generated messages: what other clients of the protocol send. FP16 and BF16 have none."""
    request = service_pb2.ModelInferRequest(model_name="typed", id="t")
    for name, one in samples.items():
        field = CONTENTS.get(one["datatype"])
        if field is None:
            continue
        made = request.inputs.add(name=name, datatype=one["datatype"], shape=one["shape"])
        values = [value.encode() for value in one["values"]] if field == "bytes" else one["values"]
        getattr(made.contents, f"{field}_contents").extend(values)
    answer = client._client_stub.ModelInfer(request)
    found = {}
    for one in answer.outputs:
        values = getattr(one.contents, f"{CONTENTS[one.datatype]}_contents")
        found[one.name] = [list(one.shape), one.datatype, [v.decode() if isinstance(v, bytes) else v for v in values]]
    return {"outputs": found, "raw": len(answer.raw_output_contents), "id": answer.id}


def callbacks():
    answers = queue.Queue()
    for n in range(6):
        client.async_infer(
            callback=lambda result, error, n=n: answers.put((n, said(result) if error is None else str(error))),
            **matrix(),
        )
    return sorted(answers.get(timeout=10) for _ in range(6))


def errors():
    slow = tensor("x", np.full_like(rows, 333), "FP32")
    return {
        "shape": refused(lambda: client.infer("matrix", [tensor("x", rows[:, :2].copy(), "FP32")])),
        "model": refused(lambda: client.infer("nothing", [tensor("x", rows, "FP32")])),
        "version": refused(lambda: client.infer(**matrix(model_version="9"))),
        "output": refused(lambda: client.infer(**matrix(outputs=[grpc.InferRequestedOutput("nothing")]))),
        "deadline": refused(lambda: client.infer("matrix", [slow], client_timeout=0.05)),
        "header": refused(lambda: client.infer("matrix", [slow], headers={"tidegate-timeout-ms": "50"})),
        "failing": refused(lambda: client.infer("matrix", [tensor("x", np.full_like(rows, 666), "FP32")])),
        "statistics": refused(lambda: client.get_inference_statistics("matrix")),
        "repository": refused(client.get_model_repository_index),
    }


async def awaited():
    async with aio.InferenceServerClient(url) as asking:
        results = await asyncio.gather(*[asking.infer(**matrix(request_id=str(n))) for n in range(8)])
        try:
            await asking.infer("nothing", [tensor("x", rows, "FP32")])
        except InferenceServerException as error:
            failed = error.status()
        return {
            "ready": await asking.is_model_ready("matrix"),
            "ids": [result.get_response().id for result in results],
            "said": [said(result) for result in results],
            "failed": failed,
        }


seen["health"] = health()
seen["raw"] = raw()
seen["typed"] = typed()
wanted = client.infer(**matrix(outputs=[grpc.InferRequestedOutput("scaled")]))
seen["outputs"] = [[one.name for one in wanted.get_response().outputs], wanted.as_numpy("scaled").tolist()]
answer = client.infer(
    **matrix(request_id="mine/1 ä", priority=1, timeout=1_000_000, parameters={"mine": "x", "n": 3})
).get_response()
seen["id"] = [answer.id, answer.model_name, answer.model_version, sorted(answer.parameters)]
seen["prediction"] = answer.parameters["prediction_id"].string_param
seen["versions"] = [client.infer(**matrix(model_version=one)).get_response().model_version for one in ("", "1", "v1")]
seen["compressed"] = [said(client.infer(**matrix(compression_algorithm=one))) for one in ("gzip", "deflate", None)]
seen["callbacks"] = callbacks()
seen["errors"] = errors()
seen["aio"] = asyncio.run(awaited())
print(json.dumps(seen))
