"""The client generated from the protocol's published OpenAPI document. Prints what it saw as JSON.

It is strict where others are not: it reads every answer into the types that the document has.
"""

import json
import sys

from open_inference.openapi import client, types
from open_inference.openapi.core import api_error

given = json.load(sys.stdin)
asking = client.OpenInferenceClient(base_url=f"http://{given['address']}")


def read(found):
    return json.loads(found.json(by_alias=True))


def refused(call):
    try:
        call()
    except api_error.ApiError as failed:
        return [failed.status_code, failed.body if isinstance(failed.body, dict) else read(failed.body)]


def tensor(shape):
    values = [value for row in given["rows"] for value in row][: shape[0] * shape[1]]
    return types.RequestInput(name="x", shape=shape, datatype="FP32", data=types.TensorData.parse_obj(values))


def asked(**more):
    return types.InferenceRequest(inputs=[tensor([2, 3])], **more)


wanted = [types.RequestOutput(name="total")]
wrong = types.InferenceRequest(inputs=[tensor([3, 2])])
seen = {
    "health": [asking.check_server_liveness(), asking.check_server_readiness(), asking.check_model_readiness("matrix")],
    "version ready": asking.check_model_version_readiness("matrix", "v1"),
    "server": read(asking.read_server_metadata()),
    "model": read(asking.read_model_metadata("matrix")),
    "model version": read(asking.read_model_version_metadata("matrix", "1")),
    "infer": read(asking.model_infer("matrix", request=asked(id="mine"))),
    "outputs": read(asking.model_version_infer("matrix", "v1", request=asked(outputs=wanted))),
    "unknown": refused(lambda: asking.read_model_metadata("nothing")),
    "wrong": refused(lambda: asking.model_infer("matrix", request=wrong)),
}
print(json.dumps(seen))
