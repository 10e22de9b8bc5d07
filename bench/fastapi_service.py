"""The service people write first: FastAPI, uvicorn, scikit-learn; Open Inference JSON in and out.

Run as `uvicorn bench.fastapi_service:app --no-access-log`; BENCH_MODEL names the model's file, BENCH_PATH the path it answers.
An ordinary implementation, not a straw man: the model is loaded once, the body is validated by pydantic, uvicorn uses uvloop
and httptools, and nothing is logged.
"""

import os
import typing

import fastapi
import joblib
import numpy as np
import pydantic

model = joblib.load(os.environ["BENCH_MODEL"])
app = fastapi.FastAPI()


class Tensor(pydantic.BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Request(pydantic.BaseModel):
    id: str = ""
    inputs: list[Tensor]


@app.post(os.environ["BENCH_PATH"])
def infer(request: Request) -> dict[str, typing.Any]:
    given = request.inputs[0]
    rows = np.array(given.data).reshape(given.shape)
    answer = model.predict_proba(rows)[:, 1]
    output = {"name": "probability", "shape": [len(answer)], "datatype": "FP64", "data": answer.tolist()}
    return {"model_name": "bench", "model_version": "1", "id": request.id, "outputs": [output]}
