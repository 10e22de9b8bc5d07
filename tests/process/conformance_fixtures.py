"""One running system that all foreign clients ask: a gateway, the gRPC front, and workers for their models.

- `echo` answers every datatype with itself; numbers may be missing. `known` does so without BF16, which not every client has,
  and `typed` without FP16 too, which has no typed form in gRPC
- `matrix` takes one tensor [rows, 3] FP32 and answers `total` (a number a row) and `scaled` (the rows halved), missing
  numbers being 0; 333 takes its time, 666 raises
- `fare` has columns and answers one number
"""

import json
import pathlib
import shutil
import subprocess
import tempfile

import msgspec

from tests.conformance import environments
from tests.process import gateway_fixtures, grpc_fixtures, worker_fixtures
from tidegate.core.vocabulary import home, manifests, tables
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile

MODELS = pathlib.Path(__file__).with_name("conformance_models.py")
C = manifests.Column
DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BF16", "BYTES",
)  # fmt: skip
_VALUES = {
    "BOOL": [True, False, True, False],
    "FP16": [1.5, -2.25, 0.0, 65504.0],
    "BF16": [1.5, -2.25, 0.0, 256.0],
    "FP32": [1.5, -2.25, 0.0, 3.4028234663852886e38],
    "FP64": [0.1, -1e300, 0.0, 5e-324],
    "BYTES": ["", "naïve", '日本\n"quoted"\\', "a\u0000b"],
}


def _sample(datatype: str) -> dict:
    values = _VALUES.get(datatype)
    if values is None:
        bits = int(datatype.lstrip("UINT"))
        low, high = (0, 2**bits - 1) if datatype.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        values = [low, high, 1, 2]
    return {"datatype": datatype, "shape": [2, 2], "values": values}


SAMPLES = {datatype.lower(): _sample(datatype) for datatype in DATATYPES}
"""What the echo is asked: by the input's name."""
ROWS = [[1.0, 2.0, 3.0], [0.5, 0.25, -4.0]]
TOTALS = [sum(row) for row in ROWS]
SCALED = [[value / 2 for value in row] for row in ROWS]
FARES = [
    {"distance": 12.5, "stops": 2, "kind": "night"},
    {"distance": 3.0, "stops": 0, "kind": None},
    {"distance": 0.5, "stops": -1, "kind": "day"},
]


def _echo(*without: str) -> manifests.Signature:
    there = {name: one["datatype"] for name, one in SAMPLES.items() if name not in without}
    outputs = tuple(C(name, kind, not name.startswith(("fp", "bf")), (-1, 2)) for name, kind in there.items())
    return manifests.Signature("tensor", tuple(C(name, kind, shape=(-1, 2)) for name, kind in there.items()), outputs)


SIGNATURES = {
    "echo": _echo(),
    "known": _echo("bf16"),
    "typed": _echo("bf16", "fp16"),
    "matrix": manifests.Signature(
        "tensor", (C("x", "FP32", shape=(-1, 3)),), (C("total", "FP64", shape=(-1,)), C("scaled", "FP32", shape=(-1, 3)))
    ),
    "fare": manifests.Signature(
        "columns", (C("distance", "double"), C("stops", "long"), C("kind", "string", required=False)), (C("price", "double"),)
    ),
}
CLASSES = {"echo": "Echo", "known": "Echo", "typed": "Echo", "matrix": "Matrix", "fare": "Fare"}
_EXAMPLES = {
    "matrix": {"records": ROWS},
    "fare": {"records": FARES},
}


def echoed(*without: str) -> dict:
    """What a client sees of an echo: [shape, datatype, flat values] by output."""
    return {name: [one["shape"], one["datatype"], one["values"]] for name, one in SAMPLES.items() if name not in without}


def fares(rows: list[dict]) -> list[float]:
    """What the model `fare` says, by the model itself."""
    scope: dict = {}
    exec(MODELS.read_text(), scope)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return [float(one) for one in scope["Fare"]().predict(columns)]


def bundle(place: home.Home, name: str) -> str:
    """A bundle of one of the models; its digest."""
    scratch = pathlib.Path(tempfile.mkdtemp(dir=place.bundles))
    (scratch / "code").mkdir()
    shutil.copy(MODELS, scratch / "code" / "model.py")
    signature = SIGNATURES[name]
    echoed = {"records": [{one.name: SAMPLES[one.name]["values"][2:] for one in signature.inputs if one.name in SAMPLES}]}
    (scratch / "example.json").write_text(json.dumps(_EXAMPLES.get(name, echoed)))
    files = tuple(bundles.measure(scratch, path) for path in ("code/model.py", "example.json"))
    options = {"class": f"model.py:{CLASSES[name]}"}
    manifest = manifests.Manifest(
        name, "python", "code", signature, files, options=options, trust="pickle", example="example.json"
    )
    (scratch / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    scratch.rename(place.bundles / manifest.digest)
    return manifest.digest


class System:
    """See the module."""

    def __init__(self) -> None:
        self.rig = gateway_fixtures.Rig()
        self.workers: dict[str, worker_fixtures.Worker] = {}
        self.front: grpc_fixtures.Front | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.rig.port}"

    def start(self) -> "System":
        digests = {name: bundle(self.rig.home, name) for name in SIGNATURES}
        for name, digest in digests.items():
            self.workers[name] = worker_fixtures.Worker(self.rig.home, digest, f"{name}-v1-0")
        for worker in self.workers.values():
            worker.until("ready")
        routes = {name: self._route(name, digest) for name, digest in digests.items()}
        tablefile.write(self.rig.home.table, lambda now: msgspec.structs.replace(now, routes=routes))
        self.rig.start()
        self.front = grpc_fixtures.Front(self.rig)
        with self.rig.client() as client:
            gateway_fixtures.until(
                lambda: all(client.request("GET", f"/v2/models/{name}/ready").status == 200 for name in routes)
            )
        return self

    def _route(self, name: str, digest: str) -> tables.Route:
        worker = self.workers[name]
        placed = tables.Worker(worker.name, f"unix:{worker.address}", worker.token)
        stable = tables.Deployed(1, digest, f"file:{name}", (placed,))
        return tables.Route(name, "production", stable, release="r1", salt=b"s", limits=tables.Limits(timeout_ms=10_000))

    def ask(self, environment: str, client: str, **given: object) -> dict:
        """Run a client's script in its environment; what it saw."""
        python = environments.python(environment)
        return self.run(str(python), client, **given)

    def run(self, python: str, client: str, **given: object) -> dict:
        assert self.front is not None
        told = {"address": self.address, "grpc": f"127.0.0.1:{self.front.port}"}
        asked = json.dumps({**told, "samples": SAMPLES, "rows": ROWS, "fares": FARES, **given})
        script = str(environments.CLIENTS / f"{client}.py")
        done = subprocess.run([python, script], input=asked, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-4_000:]
        return json.loads(done.stdout.splitlines()[-1])

    def close(self) -> None:
        if self.front is not None:
            self.front.close()
        for worker in self.workers.values():
            worker.close()
        self.rig.close()
