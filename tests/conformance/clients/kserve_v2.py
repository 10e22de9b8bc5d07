"""kserve's REST and gRPC clients. Prints what they saw as JSON."""

import asyncio
import importlib.util
import json
import logging
import sys
import types

# `import kserve` would load its server and the Kubernetes API, which are not installed here; its clients need neither.
package = types.ModuleType("kserve")
package.__path__ = list(importlib.util.find_spec("kserve").submodule_search_locations)
sys.modules["kserve"] = package

import grpc  # noqa: E402
import httpx  # noqa: E402
import numpy as np  # noqa: E402
from kserve import inference_client  # noqa: E402
from kserve.protocol import infer_type  # noqa: E402
from kserve.utils import numpy_codec  # noqa: E402

logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
samples, rows = given["samples"], np.array(given["rows"], dtype=np.float32)
KNOWN = [name for name, one in samples.items() if one["datatype"] != "BF16"]
TYPED = [name for name in KNOWN if samples[name]["datatype"] != "FP16"]


def array(sample):
    values = sample["values"]
    if sample["datatype"] == "BYTES":
        values = [value.encode() for value in values]
    return np.array(values, dtype=numpy_codec.to_np_dtype(sample["datatype"])).reshape(sample["shape"])


def tensor(name, values, datatype, binary):
    made = infer_type.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def echo(names, binary, model, **more):
    inputs = [tensor(name, array(samples[name]), samples[name]["datatype"], binary) for name in names]
    return infer_type.InferRequest(model, inputs, **more)


def matrix(**more):
    values = more.pop("values", rows)
    return infer_type.InferRequest("matrix", [tensor("x", values, "FP32", more.pop("binary", True))], **more)


def plain(output):
    values = output.as_numpy().reshape(-1).tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def all_of(answer):
    return {one.name: [list(one.shape), one.datatype, plain(one)] for one in answer.outputs}


def total(answer):
    return next(one for one in answer.outputs if one.name == "total").as_numpy().tolist()


async def refused(asking):
    try:
        await asking
    except httpx.HTTPStatusError as failed:
        return [failed.response.status_code, str(failed).split(" for url")[0]]
    except grpc.RpcError as failed:
        return [failed.code().name, failed.details()]


async def rest():
    base = f"http://{given['address']}"
    config = inference_client.RESTConfig(protocol="v2")
    async with inference_client.InferenceRESTClient(config) as client:

        async def infer(request, name="matrix", **more):
            return await client.infer(base, request, model_name=name, **more)

        heard = {}
        answer = await infer(matrix(request_id="mine"), response_headers=heard)
        asked = infer_type.RequestedOutput("scaled")
        chosen = await infer(matrix(request_outputs=[asked], parameters={"binary_data_output": True}))
        return {
            "health": [await client.is_server_live(base), await client.is_server_ready(base)],
            "models": [await client.is_model_ready(base, name) for name in ("matrix", "nothing")],
            "json": all_of(await infer(echo(TYPED, False, "typed"), "typed")),
            "binary": all_of(await infer(echo(KNOWN, True, "known", parameters={"binary_data_output": True}), "known")),
            "id": [answer.id, answer.model_name, answer.model_version, total(answer)],
            "headers": sorted(name for name in heard if name.startswith("tidegate")),
            "outputs": [(one.name, one.as_numpy().tolist()) for one in chosen.outputs],
            "dict": total(await infer({"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": rows.tolist()}]})),
            "errors": {
                "shape": await refused(infer(matrix(values=rows[:, :2].copy()))),
                "model": await refused(infer(matrix(), "nothing")),
                "deadline": await refused(infer(matrix(values=np.full_like(rows, 333)), headers={"tidegate-timeout-ms": "50"})),
            },
        }


async def over_grpc():
    async with inference_client.InferenceGRPCClient(given["grpc"]) as client:
        answer = await client.infer(matrix(request_id="mine"))
        typed = infer_type.InferRequest("matrix", [infer_type.InferInput("x", [2, 3], "FP32", rows.reshape(-1).tolist())])
        return {
            "health": [await client.is_server_live(), await client.is_server_ready()],
            "ready": await client.is_model_ready("matrix"),
            "raw": all_of(await client.infer(echo(KNOWN, True, "known"))),
            "typed": total(await client.infer(typed)),
            "id": [answer.id, answer.model_name, answer.model_version, total(answer)],
            "errors": {
                "shape": await refused(client.infer(matrix(values=rows[:, :2].copy()))),
                "model": await refused(client.is_model_ready("nothing")),
                "deadline": await refused(client.infer(matrix(values=np.full_like(rows, 333)), timeout=0.05)),
            },
        }


async def main():
    return {"rest": await rest(), "grpc": await over_grpc()}


print(json.dumps(asyncio.run(main())))
