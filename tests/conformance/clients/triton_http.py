"""tritonclient.http: every way it has of asking. Prints what it saw as JSON."""

import asyncio
import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

given = json.load(sys.stdin)
url, samples, rows = given["address"], given["samples"], np.array(given["rows"], dtype=np.float32)
client = http.InferenceServerClient(url, concurrency=4)
seen = {}


def array(sample):
    values = sample["values"]
    if sample["datatype"] == "BYTES":
        values = [value.encode() for value in values]
    return np.array(values, dtype=triton_to_np_dtype(sample["datatype"])).reshape(sample["shape"])


def tensor(name, values, datatype, binary=True, module=http):
    made = module.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def echoes(binary, names=samples):
    return [tensor(name, array(samples[name]), samples[name]["datatype"], binary(name)) for name in names]


def plain(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values.reshape(-1).tolist()]


def all_of(result):
    outputs = result.get_response()["outputs"]
    return {one["name"]: [list(one["shape"]), one["datatype"], plain(result.as_numpy(one["name"]))] for one in outputs}


def matrix(**more):
    module = more.pop("module", http)
    return {"model_name": "matrix", "inputs": [tensor("x", rows, "FP32", module=module)], **more}


def said(result):
    return result.as_numpy("total").tolist()


def refused(call):
    try:
        return {"answered": str(call())}
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}


def health():
    names = [("matrix", ""), ("matrix", "1"), ("matrix", "v1"), ("matrix", "9"), ("nothing", "")]
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "models": [client.is_model_ready(name, version) for name, version in names],
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata("echo"),
        "versioned": client.get_model_metadata("matrix", "1"),
        "config": client.get_model_config("echo"),
    }


def outputs():
    wanted = [http.InferRequestedOutput("scaled", binary_data=True), http.InferRequestedOutput("total", binary_data=False)]
    result = client.infer(**matrix(outputs=wanted))
    shown = {one["name"]: sorted(one.get("parameters", {})) for one in result.get_response()["outputs"]}
    return {"parameters": shown, "total": said(result), "scaled": result.as_numpy("scaled").tolist()}


def offline():
    """A body made by the client, sent by something else, and its answer read by the client again."""
    body, length = client.generate_request_body([tensor("x", rows, "FP32")])
    request = urllib.request.Request(f"http://{url}/v2/models/matrix/infer", data=body)
    request.add_header("Inference-Header-Content-Length", str(length))
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request) as answer:
        size = int(answer.headers["Inference-Header-Content-Length"])
        return said(client.parse_response_body(answer.read(), header_length=size))


def compressed():
    many = np.repeat(rows, 500, axis=0)
    found = {}
    for sent, wanted in [("gzip", "gzip"), ("deflate", "deflate"), (None, "gzip"), ("gzip", None)]:
        result = client.infer(
            "matrix",
            [tensor("x", many, "FP32")],
            request_compression_algorithm=sent,
            response_compression_algorithm=wanted,
        )
        found[f"{sent} {wanted}"] = (said(result)[:: 500 * 1], len(said(result)))
    return found


def odd():
    """Missing numbers, infinity, text of every kind."""
    numbers = array(samples["fp64"]).copy()
    numbers[0] = np.nan
    changed = [one for one in echoes(lambda _: True) if one.name() != "fp64"]
    nan = client.infer("echo", [*changed, tensor("fp64", numbers, "FP64")])
    asked = [http.InferRequestedOutput("fp64", binary_data=False)]
    null = client.infer("echo", [*changed, tensor("fp64", numbers, "FP64")], outputs=asked)
    numbers[0] = np.inf
    return {
        "nan": np.isnan(nan.as_numpy("fp64")).tolist(),
        "null": null.get_output("fp64")["data"],
        "infinity": refused(lambda: client.infer("echo", [*changed, tensor("fp64", numbers, "FP64")])),
        "bytes": refused(lambda: client.infer("echo", [*texts(b"\xff\xfe")])),
    }


def texts(value):
    others = [one for one in echoes(lambda _: True) if one.name() != "bytes"]
    shape = samples["bytes"]["shape"]
    return [*others, tensor("bytes", np.full(shape, value, dtype=object), "BYTES")]


def errors():
    wrong = [tensor("x", rows[:, :2].copy(), "FP32")]
    unknown = [http.InferRequestedOutput("nothing")]
    classes = [http.InferRequestedOutput("total", class_count=2)]
    slow = np.full_like(rows, 333)
    return {
        "shape": refused(lambda: client.infer("matrix", wrong)),
        "datatype": refused(lambda: client.infer("matrix", [tensor("x", np.array([[b"a"] * 3], dtype=object), "BYTES")])),
        "model": refused(lambda: client.infer("nothing", wrong)),
        "version": refused(lambda: client.infer(**matrix(model_version="9"))),
        "output": refused(lambda: client.infer(**matrix(outputs=unknown))),
        "classification": refused(lambda: client.infer(**matrix(outputs=classes))),
        "deadline": refused(lambda: client.infer("matrix", [tensor("x", slow, "FP32")], headers={"tidegate-timeout-ms": "50"})),
        "failing": refused(lambda: client.infer("matrix", [tensor("x", np.full_like(rows, 666), "FP32")])),
        "statistics": refused(lambda: client.get_inference_statistics("matrix")),
        "shared memory": refused(client.get_system_shared_memory_status),
    }


async def awaited():
    async with aio.InferenceServerClient(url) as asking:
        results = await asyncio.gather(*[asking.infer(**matrix(module=aio, request_id=str(n))) for n in range(8)])
        try:
            await asking.infer("nothing", [tensor("x", rows, "FP32", module=aio)])
        except InferenceServerException as error:
            failed = error.status()
        return {
            "live": await asking.is_server_live(),
            "config": (await asking.get_model_config("matrix"))["name"],
            "ids": [result.get_response()["id"] for result in results],
            "said": [said(result) for result in results],
            "failed": failed,
        }


seen["health"] = health()
seen["binary"] = all_of(client.infer("echo", echoes(lambda _: True)))
every = [http.InferRequestedOutput(name, binary_data=False) for name in samples if name != "bf16"]
seen["json"] = all_of(client.infer("echo", echoes(lambda name: name == "bf16"), outputs=every))
seen["mixed"] = all_of(client.infer("echo", echoes(lambda name: name < "g" or name == "bf16")))
seen["outputs"] = outputs()
seen["id"] = client.infer(**matrix(request_id="mine/1 ä")).get_response()["id"]
seen["no id"] = "id" in client.infer(**matrix()).get_response()
result = client.infer(**matrix(priority=2, timeout=1_000_000, parameters={"mine": "x", "n": 3, "f": 0.5, "b": True}))
seen["parameters"] = [said(result), sorted(result.get_response()["parameters"])]
seen["prediction"] = result.get_response()["parameters"]["prediction_id"]
seen["sequence"] = said(client.infer(**matrix(sequence_id=7, sequence_start=True)))
seen["versions"] = [client.infer(**matrix(model_version=one)).get_response()["model_version"] for one in ("", "1", "v1")]
seen["async"] = [said(one.get_result()) for one in [client.async_infer(**matrix()) for _ in range(6)]]
seen["offline"] = offline()
seen["compressed"] = compressed()
seen["odd"] = odd()
seen["errors"] = errors()
seen["aio"] = asyncio.run(awaited())
print(json.dumps(seen))
