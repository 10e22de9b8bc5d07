"""MLflow's own scoring client, and its way of writing CSV. Prints what it saw as JSON."""

import json
import logging
import os
import sys

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import numpy as np
import pandas as pd
import requests
from mlflow.pyfunc.scoring_server import client

logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
host, _, port = given["address"].partition(":")


def asking(endpoint):
    """MLflow knows one model to a server: here each endpoint has a prefix of its own."""
    made = client.ScoringServerClient(host, port)
    made.url_prefix += f"/endpoints/{endpoint}"
    return made


def refused(call):
    try:
        return str(call())
    except Exception as failed:  # the client raises nothing more exact
        return str(failed)


server = client.ScoringServerClient(host, port)
server.wait_server_ready(timeout=5)
frame = pd.DataFrame(given["fares"])
csv = requests.post(
    f"http://{given['address']}/endpoints/fare/invocations",
    data=frame.to_csv(index=False),
    headers={"Content-Type": "text/csv"},
    timeout=10,
)
seen = {
    "version": server.get_version().strip(),
    "frame": asking("fare").invoke(frame)["predictions"],
    "as frame": asking("fare").invoke(frame).get_predictions().to_numpy().reshape(-1).tolist(),
    "array": asking("matrix").invoke(np.array(given["rows"], dtype=np.float32))["predictions"],
    "list": asking("matrix").invoke(given["rows"])["predictions"],
    "params": asking("fare").invoke(frame, params={"temperature": 0.5})["predictions"],
    "csv": csv.json()["predictions"],
    "wrong": refused(lambda: asking("fare").invoke(frame.rename(columns={"stops": "stop"}))),
    "unknown": refused(lambda: asking("nothing").invoke(frame)),
    "several": refused(lambda: server.invoke(frame)),
}
print(json.dumps(seen))
