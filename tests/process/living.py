"""A whole Tidegate, alive: started by its command line in a directory of its own, with traffic from another thread."""

import asyncio
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import joblib
import numpy as np
from sklearn import datasets, linear_model, pipeline, preprocessing

from tidegate.core.vocabulary import home, instances
from tidegate.interface.api import client as api
from tidegate.interface.demo import client as traffic

ENDPOINT = "iris"
COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def make_models(folder: pathlib.Path) -> pathlib.Path:
    """v1, v2, v3 (good, all different) and no-negatives, which raises on one request in seven of `Traffic`."""
    flowers = datasets.load_iris(as_frame=True)
    given = flowers.data.set_axis(COLUMNS, axis=1)
    virginica = (flowers.target == 2).astype(int)
    for number in (1, 2, 3):
        line = linear_model.LogisticRegression(C=1 - number / 10)
        joblib.dump(
            pipeline.make_pipeline(preprocessing.StandardScaler(), line).fit(given, virginica), folder / f"v{number}.joblib"
        )
    root = preprocessing.FunctionTransformer(np.sqrt)
    careless = pipeline.make_pipeline(root, preprocessing.StandardScaler(), linear_model.LogisticRegression())
    joblib.dump(careless.fit(given, virginica), folder / "no-negatives.joblib")
    given.iloc[:5].to_csv(folder / "example.csv", index=False)
    return folder


def wait(condition: Callable[[], object], seconds: float = 30.0, what: str = "") -> object:
    """Return what the condition gives once that is true. Fails after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s in vain for {what or condition}")


class Living:
    """One Tidegate in `folder`, with the endpoint `iris`."""

    def __init__(self, folder: pathlib.Path, models: pathlib.Path, extra: str = "") -> None:
        self.folder, self.models = folder, models
        self.home = home.Home(folder / ".tidegate")
        paces = "for: 1s, at_most: 3s, requests: 20, prove_last: false, probation: {for: 1m, watch: none}"
        steps = f"release: {{steps: [5%, 50%], {paces}}}"
        bare = f"trust: pickle\nexample: {models / 'example.csv'}"
        (folder / "tidegate.yaml").write_text(f"endpoint: {ENDPOINT}\nmodel: {self.model('v1')}\n{bare}\n{steps}\n{extra}")

    def model(self, name: str) -> str:
        """The reference of one of the models."""
        return str(self.models / f"{name}.joblib")

    def run(self, *words: str, code: int = 0, given: str = "") -> str:
        """A command, with what it is given on standard input; its output."""
        argv = [sys.executable, "-m", "tidegate.interface.cli.main", *words]
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, timeout=90, check=False, input=given)
        assert done.returncode == code, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def up(self, *more: str) -> None:
        """Start, with v1 behind the endpoint."""
        self.run("up", "-d", "--port", "0", "--api-port", "0", *more)
        wait(lambda: self.endpoint()["stable"], what="v1 to own the endpoint")

    def down(self) -> None:
        self.run("down")

    @property
    def address(self) -> str:
        return json.loads(self.home.addresses.read_text())["http"]

    @property
    def api(self) -> api.Client:
        return api.Client(self.home)

    def outcomes(self, given: list[dict[str, object]]) -> dict:
        """Post ground truth and metrics to the gateway; what it says."""
        body = json.dumps({"outcomes": given}).encode()
        asked = urllib.request.Request(f"{self.address}/outcomes", body, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=10) as answered:
            return json.loads(answered.read())

    def endpoint(self) -> dict:
        with self.api as asked:
            return asked.endpoint(ENDPOINT)

    def phase(self) -> str:
        return self.endpoint()["release"]["phase"]

    def release(self, model: str, **settings: object) -> str:
        """Begin a release; its id."""
        with self.api as asked:
            return asked.release(ENDPOINT, settings or None, model=self.model(model))["release"]

    def await_phase(self, *phases: str, seconds: float = 40.0) -> str:
        """Wait until the endpoint's release is in one of these phases; which one."""
        return str(wait(lambda: (self.phase() in phases) and self.phase(), seconds, f"phase {phases}"))

    def instance(self, kind: str, version: int = 0) -> str:
        """The name of a living instance of this kind (and version)."""
        for path in sorted(self.home.instances.glob("*.json")):
            spec = instances.read(path)
            if spec and spec.kind == kind and version in (0, int(spec.labels.get("ordinal", 0))):
                return spec.name
        raise AssertionError(f"no {kind} {version or ''}")

    def pid(self, name: str) -> int:
        return instances.holder(self.home.instances, name)

    def kill(self, name: str) -> int:
        """SIGKILL it; the pid it had."""
        pid = int(wait(lambda: self.pid(name), what=f"{name} to live"))
        os.kill(pid, signal.SIGKILL)
        return pid

    def await_successor(self, name: str, pid: int, seconds: float = 20.0) -> None:
        """Wait until another process has taken the killed one's place and is ready."""

        def ready() -> bool:
            said = instances.read_state(self.home.instances, name)
            return self.pid(name) not in (0, pid) and said.get("pid") != pid and said.get("state") == "ready"

        wait(ready, seconds, f"{name} to be restarted")


@contextlib.contextmanager
def alive(folder: pathlib.Path, models: pathlib.Path, extra: str = "") -> Iterator[Living]:
    """Up, and down again whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    living = Living(folder, models, extra)
    living.up()
    try:
        yield living
    finally:
        living.down()


class Traffic(threading.Thread):
    """Requests at a steady rate from a thread of its own; it counts by itself what failed."""

    def __init__(self, address: str, rate: float = 200.0, timeout: float = 10.0) -> None:
        super().__init__(daemon=True)
        self.address, self.rate, self.timeout = address, rate, timeout
        self.ids: dict[str, int] = {}
        """Prediction id -> the true label, as the flower is made."""
        self.served_by: dict[str, str] = {}
        """Prediction id -> the version that answered."""
        self.rescued = self.fallback = 0
        self.statuses: dict[int, int] = {}
        self.failures: list[str] = []
        self.slowest = 0.0
        self._over = threading.Event()
        self._chance = random.Random(7)

    def run(self) -> None:
        asyncio.run(self._flow())

    def __enter__(self) -> "Traffic":
        self.start()
        wait(lambda: self.statuses, what="the first answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(30)

    @property
    def answered(self) -> int:
        return self.statuses.get(200, 0)

    @property
    def failed(self) -> int:
        return sum(self.statuses.values()) - self.answered

    async def _flow(self) -> None:
        async with traffic.Client(self.address, connections=16, timeout=self.timeout) as client:
            begun, sent = time.monotonic(), 0
            while not self._over.is_set():
                while sent < (time.monotonic() - begun) * self.rate:
                    sent += 1
                    self._send(client)
                await asyncio.sleep(0.005)
            while client.counts.pending:
                await asyncio.sleep(0.01)

    def _send(self, client: traffic.Client) -> None:
        long = self._chance.random() < 0.5
        petal = self._chance.uniform(5.2, 6.5) if long else self._chance.uniform(1.2, 4.5)
        width = -1.0 if self._chance.random() < 1 / 7 else 3.0
        flower = {"sepal_length": 6.0, "sepal_width": width, "petal_length": petal, "petal_width": petal / 2.7}
        client.submit(
            client.request(f"/endpoints/{ENDPOINT}/predict", json.dumps(flower).encode()), lambda one: self._note(one, long)
        )

    def _note(self, answer: traffic.Answer, long: bool) -> None:
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        self.slowest = max(self.slowest, answer.seconds)
        self.rescued += answer.header("tidegate-rescued") == "true"
        self.fallback += answer.header("tidegate-fallback") == "true"
        if answer.ok:
            self.ids[answer.header("tidegate-prediction-id")] = int(long)
            self.served_by[answer.header("tidegate-prediction-id")] = answer.header("tidegate-version")
        elif len(self.failures) < 20:
            self.failures.append(f"{answer.status} {answer.trouble} {answer.body[:200]!r}")
