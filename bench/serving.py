"""Requests a second and latency against the service people write first: `python -m bench.serving --json FILE [--quick]`.

In one run on the same cores: Tidegate's gateway and one worker, every prediction logged, and FastAPI + uvicorn +
scikit-learn (`bench.fastapi_service`), with the same model (standardised logistic regression, 30 features) and the same
64 Open Inference bodies in turn. Medians of 3 rounds (1 with --quick) in which the servers take turns; the answers are
checked against the model in this process before and after. Trust the ratios, not the absolute numbers.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
from urllib import request

import joblib
from sklearn import datasets, linear_model, pipeline, preprocessing

from bench import generator, servers
from tidegate.core.vocabulary import home
from tidegate.delivery.registry import making

MODEL = "logreg"
CONNECTIONS = (1, 16, 64)
BODIES = 64


def main() -> int:
    """Measure, print a table, write JSON; 1 when an answer was wrong or missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, help="write the result here")
    parser.add_argument("--quick", action="store_true", help="one short round, at most a minute")
    given = parser.parse_args()
    rounds, seconds = (1, 2.0) if given.quick else (3, 8.0)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        rows = _measure(pathlib.Path(folder), rounds, seconds)
    result = {
        "rows": rows,
        "ratios": {MODEL: {str(number): _ratio(rows, number) for number in CONNECTIONS}},
        "generator": generator.name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    _show(result)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    return int(any(row["errors"] for row in rows))


def _measure(folder: pathlib.Path, rounds: int, seconds: float) -> list[dict]:
    model, bodies, truth = _prepare(folder)
    place = home.Home(folder / "home")
    place.prepare()
    example = folder / "example.json"
    example.write_text(json.dumps([json.loads(body)["inputs"][0]["data"] for body in bodies]))
    digest, _ = making.make(str(model), place, trust="pickle", example=example, method="predict_proba")
    found: dict[tuple[str, int], list[generator.Measured]] = {}
    with servers.tidegate(place, digest) as ours, servers.fastapi(model, folder / "fastapi.log") as theirs:
        both = {"tidegate": ours, "fastapi": theirs}
        for url in both.values():
            _check(url, bodies, truth)
            generator.load(url, bodies, 16, 1.0)
        for _ in range(rounds):
            for number in CONNECTIONS:
                for server, url in both.items():
                    found.setdefault((server, number), []).append(generator.load(url, bodies, number, seconds))
        for url in both.values():
            _check(url, bodies, truth)
    return [_row(server, number, measured) for (server, number), measured in sorted(found.items())]


def _prepare(folder: pathlib.Path) -> tuple[pathlib.Path, list[bytes], list[float]]:
    """The model's file, the request bodies, and what the model itself answers them."""
    given, labels = datasets.load_breast_cancer(return_X_y=True)
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=1_000))
    model.fit(given, labels)
    path = folder / "model.joblib"
    joblib.dump(model, path)
    rows = given[:BODIES]
    tensors = [{"name": "input", "shape": [1, 30], "datatype": "FP64", "data": row.tolist()} for row in rows]
    return path, [json.dumps({"inputs": [tensor]}).encode() for tensor in tensors], model.predict_proba(rows)[:, 1].tolist()


def _check(url: str, bodies: list[bytes], truth: list[float]) -> None:
    """Raises SystemExit where an answer is not the model's own."""
    for body, true in zip(bodies, truth, strict=True):
        with request.urlopen(request.Request(url, body, {"content-type": "application/json"}), timeout=10) as answer:
            said = json.load(answer)["outputs"][0]["data"][0]
        if abs(said - true) > 1e-9:
            raise SystemExit(f"{url} answered {said}, the model itself {true}")


def _row(server: str, connections: int, measured: list[generator.Measured]) -> dict:
    medians = [statistics.median(values) for values in zip(*measured, strict=True)]
    return {
        "server": server,
        "model": MODEL,
        "connections": connections,
        "rps": round(medians[0], 1),
        "p50_ms": round(medians[1], 3),
        "p99_ms": round(medians[2], 3),
        "errors": sum(one.errors for one in measured),
    }


def _ratio(rows: list[dict], connections: int) -> float:
    rps = {row["server"]: row["rps"] for row in rows if row["connections"] == connections}
    return round(rps["tidegate"] / rps["fastapi"], 2)


def _show(result: dict) -> None:
    print(f"load: {result['generator']}; cores: {result['cores']}")
    print(f"{'server':10} {'connections':>11} {'requests/s':>11} {'p50 ms':>9} {'p99 ms':>9} {'errors':>7}")
    for row in result["rows"]:
        numbers = f"{row['rps']:>11,.0f} {row['p50_ms']:>9.2f} {row['p99_ms']:>9.2f} {row['errors']:>7}"
        print(f"{row['server']:10} {row['connections']:>11} {numbers}")
    for number, ratio in result["ratios"][MODEL].items():
        print(f"at {number} connections Tidegate answers {ratio} times as many requests a second")


if __name__ == "__main__":
    sys.exit(main())
