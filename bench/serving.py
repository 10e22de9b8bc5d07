"""Requests a second, latency and memory against the service people write first: `python -m bench.serving --json FILE [--quick]`.

In one run on the same cores: Tidegate's gateway and one worker, every prediction logged, and FastAPI + uvicorn + scikit-learn
(`bench.fastapi_service`), with the same model and the same 64 Open Inference bodies in turn. `logreg` and `rf` are served by
scikit-learn, `logreg-onnx` and `rf-onnx` as Tidegate compiles them when a bundle is made; the service always has the
scikit-learn model. Medians of 3 rounds (1 with --quick) in which the servers take turns; answers are checked against the
model in this process before and after. Trust the ratios, not the absolute numbers.
"""

import argparse
import contextlib
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib import request

from bench import generator, logged, models, processes, results, servers

MODELS = ("logreg", "logreg-onnx", "rf", "rf-onnx")
QUICK = ("logreg", "logreg-onnx")
COMPILED = "-onnx"
CONNECTIONS = (1, 16, 64)
ACK = "tidegate-ack"
"""Tidegate with `durability: ack`: answers wait until their record is on the disk."""
ACK_MODEL, ACK_CONNECTIONS = "logreg", 64
TOLERANCE, TOLERANCE_COMPILED = 1e-9, 1e-4
"""Of probabilities; compiled models compute in single precision."""


class Server(NamedTuple):
    """One that takes turns: Tidegate's has a home, and a gateway beside its worker."""

    url: str
    pids: dict[str, int]
    tidegate: servers.Tidegate | None = None


class Round(NamedTuple):
    """One measured load."""

    load: generator.Measured
    model_ms: float
    """Median time of the model call in the worker; 0 where nobody logs it."""


Found = dict[tuple[str, str, int], list[Round]]
"""By (server, model, connections)."""


def main() -> int:
    """Measure, print a table, write JSON; 1 when an answer was wrong or missing."""
    asked = results.parser(__doc__)
    asked.add_argument("--models", nargs="+", choices=MODELS, help="these only")
    asked.add_argument("--seconds", type=float, help="seconds of one load; else 8, or 2 with --quick")
    given = asked.parse_args()
    chosen = tuple(given.models or (QUICK if given.quick else MODELS))
    found: Found = {}
    memory: dict[str, dict[str, float]] = {}
    machine = results.machine()
    for family in dict.fromkeys(name.removesuffix(COMPILED) for name in chosen):
        with servers.folder() as folder:
            _measure(folder, family, [name for name in chosen if name.removesuffix(COMPILED) == family], given, found, memory)
    rows = [_row(key, rounds) for key, rounds in sorted(found.items())]
    ratios = {name: {str(number): _ratio(rows, name, number) for number in CONNECTIONS} for name in chosen}
    result = {
        "rows": rows,
        "ratios": ratios,
        "rss_mib": memory,
        "generator": generator.name(),
        **machine,
        "errors": sum(row["errors"] for row in rows),
    }
    _show(result)
    return results.end(result, list(_targets(rows, ratios, memory)), given)


def _measure(
    folder: pathlib.Path, family: str, names: list[str], given: argparse.Namespace, found: Found, memory: dict[str, Any]
) -> None:
    """All servers of one family up at once, taking turns."""
    case = getattr(models, family)(folder)
    rounds, seconds = (1, given.seconds or 2.0) if given.quick else (3, given.seconds or 8.0)
    with contextlib.ExitStack() as ending:
        url, pid = ending.enter_context(servers.fastapi(case, folder / "fastapi.log"))
        every = {("fastapi", family): Server(url, {"service": pid})}
        for name in names:
            every["tidegate", name] = ending.enter_context(_tidegate(folder, name, case))
        for (_, name), server in every.items():
            _check(server.url, case, name)
            generator.load(server.url, case.bodies, 16, min(1.0, seconds))
        for _ in range(rounds):
            for number in CONNECTIONS:
                for (kind, name), server in every.items():
                    found.setdefault((kind, name, number), []).append(_load(server, case, number, seconds))
            if ("tidegate", ACK_MODEL) in every:
                acked = _acked(every["tidegate", ACK_MODEL], case, seconds)
                found.setdefault((ACK, ACK_MODEL, ACK_CONNECTIONS), []).append(acked)
        for (kind, name), server in every.items():
            _check(server.url, case, name)
            used = {part: round(processes.rss_mib(pid), 1) for part, pid in server.pids.items()}
            memory[name if kind == "tidegate" else f"fastapi {name}"] = {**used, "sum": round(sum(used.values()), 1)}


@contextlib.contextmanager
def _tidegate(folder: pathlib.Path, name: str, case: models.Case) -> Iterator[Server]:
    with servers.home_in(folder, name) as place:
        digest = models.bundle(case, place, "required" if name.endswith(COMPILED) else "never")
        with servers.tidegate(place, [digest]) as served:
            yield Server(served.url, {"gateway": served.gateway, "worker": served.workers[1]}, served)


def _load(server: Server, case: models.Case, connections: int, seconds: float) -> Round:
    began = time.time_ns()
    load = generator.load(server.url, case.bodies, connections, seconds)
    if server.tidegate is None:
        return Round(load, 0.0)
    took = logged.model_ms(server.tidegate.place, began)
    logged.tidy(server.tidegate.place)
    return Round(load, took)


def _acked(server: Server, case: models.Case, seconds: float) -> Round:
    assert server.tidegate is not None
    server.tidegate.obeyed(server.tidegate.route(durability="ack"))
    try:
        return _load(server, case, ACK_CONNECTIONS, seconds)
    finally:
        server.tidegate.obeyed(server.tidegate.route(durability="interval"))


def _check(url: str, case: models.Case, name: str) -> None:
    """Raises SystemExit where an answer is not the model's own."""
    tolerance = TOLERANCE_COMPILED if name.endswith(COMPILED) else TOLERANCE
    for body, true in zip(case.bodies, case.truth, strict=True):
        with request.urlopen(request.Request(url, body, {"content-type": "application/json"}), timeout=10) as answer:
            said = json.load(answer)["outputs"][0]["data"][0]
        if abs(said - true) > tolerance:
            raise SystemExit(f"{url} answered {said}, the model itself {true}")


def _row(key: tuple[str, str, int], rounds: list[Round]) -> dict[str, Any]:
    rps, p50, p99, *_ = (statistics.median(values) for values in zip(*(one.load for one in rounds), strict=True))
    server, model, connections = key
    return {
        "server": server,
        "model": model,
        "connections": connections,
        "rps": round(rps, 1),
        "p50_ms": round(p50, 3),
        "p99_ms": round(p99, 3),
        "errors": sum(one.load.errors for one in rounds),
        "model_ms": round(statistics.median(one.model_ms for one in rounds), 3),
    }


def _one(rows: list[dict[str, Any]], server: str, model: str, connections: int) -> dict[str, Any]:
    wanted = (server, model, connections)
    return next(row for row in rows if (row["server"], row["model"], row["connections"]) == wanted)


def _ratio(rows: list[dict[str, Any]], model: str, connections: int) -> float:
    theirs = _one(rows, "fastapi", model.removesuffix(COMPILED), connections)
    return round(_one(rows, "tidegate", model, connections)["rps"] / theirs["rps"], 2)


def _targets(
    rows: list[dict[str, Any]], ratios: dict[str, dict[str, float]], memory: dict[str, dict[str, float]]
) -> Iterator[results.Target]:
    if "logreg" in ratios:
        yield results.at_least("logreg: times FastAPI's requests/s at 64 connections", ratios["logreg"]["64"], 20)
        yield results.at_least("logreg: the same at 16", ratios["logreg"]["16"], 8)
        theirs = _one(rows, "fastapi", "logreg", 1)["p50_ms"]
        yield results.at_most(
            "logreg: p50 at 1 connection, ms (FastAPI's)", _one(rows, "tidegate", "logreg", 1)["p50_ms"], theirs
        )
        acked = _one(rows, ACK, ACK_MODEL, ACK_CONNECTIONS)["rps"] / _one(rows, "tidegate", "logreg", 64)["rps"]
        yield results.at_least("logreg: requests/s with `durability: ack` over those without, at 64", round(acked, 2), 0.5)
        yield results.at_most("logreg: gateway and worker together, MiB resident", memory["logreg"]["sum"], 400)
        yield results.at_most("logreg: the gateway of it", memory["logreg"]["gateway"], 60)
    if "logreg-onnx" in ratios:
        yield results.at_least("logreg-onnx: times FastAPI's requests/s at 64 connections", ratios["logreg-onnx"]["64"], 35)
    if "rf" in ratios:
        at_16 = _one(rows, "tidegate", "rf", 16)
        yield results.at_least("rf: times FastAPI's requests/s at 16 connections", ratios["rf"]["16"], 25)
        yield results.at_least("rf: requests/s at 16 connections", at_16["rps"], 2_500)
        limit = round(1.3 * at_16["model_ms"] + 1, 2)
        yield results.at_most("rf: p50 at 16 connections, ms (1.3 model calls and 1 ms)", at_16["p50_ms"], limit)


def _show(result: dict[str, Any]) -> None:
    print(f"load: {result['generator']}; cores: {result['cores']}, load before {result['load_before']}")
    print(
        f"{'server':13}{'model':13}{'connections':>11}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'model ms':>10}{'errors':>8}"
    )
    for row in result["rows"]:
        numbers = f"{row['rps']:>12,.0f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}{row['model_ms']:>10.2f}{row['errors']:>8}"
        print(f"{row['server']:13}{row['model']:13}{row['connections']:>11}{numbers}")
    for model, ratios in result["ratios"].items():
        told = ", ".join(f"{ratio} at {number}" for number, ratio in ratios.items())
        print(f"{model}: times FastAPI's requests a second: {told}")
    for name, used in result["rss_mib"].items():
        print(f"{name}: MiB resident: {', '.join(f'{part} {size}' for part, size in used.items())}")


if __name__ == "__main__":
    sys.exit(main())
