"""Workers that die again and again: a candidate's release fails, stable's other replicas go on; and bounds hold."""

import json
import os
import pathlib
import re
import signal

import living
import pytest

from tidegate.core.vocabulary import instances

CODE = """
import ctypes, os, time
import numpy

class Deadly:
    '''Answers 1. In a worker it dies as `how` says: on loading, or after some requests; or it takes ever more memory.'''
    calls = 0
    def __init__(self, how): self.how = how
    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.how == "loading" and self.serving: os._exit(9)
    @property
    def serving(self): return "TIDEGATE_INSTANCE" in os.environ and "w-iris" in os.environ["TIDEGATE_INSTANCE"]
    def predict(self, given):
        Deadly.calls += 1
        if self.how == "requests" and self.serving and Deadly.calls > 80: ctypes.string_at(0)
        if self.how == "memory" and self.serving and Deadly.calls > 80:
            self.held = getattr(self, "held", []) + [bytearray(os.urandom(1 << 20) * 8)]
        return numpy.full(len(given), 1)
"""
MLMODEL = """
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl, code: code}
  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}
signature:
  inputs: 'INPUTS'
  outputs: '[{"type": "long", "name": "prediction", "required": true}]'
"""


def deadly(folder: pathlib.Path, how: str) -> str:
    """A model directory of that kind."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "deadly_model.py").write_text(CODE)
    # Protocol 0 of pickle by hand, without importing it here: copyreg's new object, then its state.
    raw = f"ccopyreg\n__newobj__\n(cdeadly_model\nDeadly\ntR(dS'how'\nS'{how}'\nsb."
    (folder / "model.pkl").write_text(raw)
    inputs = json.dumps([{"type": "double", "name": name, "required": True} for name in living.COLUMNS])
    (folder / "MLmodel").write_text(MLMODEL.replace("INPUTS", inputs))
    return str(folder)


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    extra = "replicas: 2\nlog: {inputs: none}\nresources: {memory: 600MiB, files: 512}"
    with living.alive(tmp_path_factory.mktemp("crashes"), models, extra) as running:
        yield running


def release(system: living.Living, model: str, **more: object) -> None:
    half = {"stages": [{"name": "half", "weight": 5_000, "min_seconds": 600, "max_seconds": 900}], **more}
    with system.api as asked:
        asked.release(living.ENDPOINT, half, model=model)


def test_a_candidate_that_dies_on_loading_fails_its_release_at_once(system, tmp_path):
    release(system, deadly(tmp_path / "loading", "loading"))
    system.await_phase("failed", "rolled_back", seconds=40)
    # A fourth time where control looked late.
    assert re.search("crashed [3-5] times before it was ready", system.endpoint()["release"]["reason"])


@pytest.mark.parametrize("how", ["requests", "memory"])
def test_a_candidate_that_dies_of_its_requests_is_rolled_back_and_no_client_fails(system, tmp_path, how):
    with living.Traffic(system.address, rate=100) as traffic:
        release(system, deadly(tmp_path / how, how), resources={"memory": 300 << 20})
        system.await_phase("rolled_back", seconds=60)
    assert traffic.failed == 0, traffic.failures
    # Whichever is faster: three ends of a worker, or the evidence that its requests gave; who fills memory takes long, too.
    reason = system.endpoint()["release"]["reason"]
    assert any(word in reason for word in ("crashed", "fails", "takes longer")), reason
    if how == "memory":
        assert "its bound is 300 MiB (resources.memory)" in (system.home.logs / "keeper.log").read_text()


def test_a_dying_replica_of_stable_leaves_the_others_serving_and_is_counted(system):
    stable = system.endpoint()["stable"]["ordinal"]
    first, second = (one.name for one in specs(system) if one.labels["ordinal"] == str(stable))
    folder = system.home.instances
    with living.Traffic(system.address, rate=100) as traffic:
        for _ in range(3):
            pid = living.wait(lambda: ready(system, first), what=f"{first} to be ready")
            os.kill(int(pid), signal.SIGKILL)
            living.wait(lambda pid=pid: ready(system, first) != pid, what="its end")
            assert ready(system, second)
        living.wait(lambda: ready(system, first), what=f"{first} to be ready again")
    assert traffic.failed == 0, traffic.failures
    assert instances.read_restarts(folder, first)["restarts"] >= 3
    assert not instances.read_restarts(folder, second)


def test_what_a_file_says_of_resources_reaches_its_workers(system):
    assert {one.resources for one in specs(system)} == {instances.Resources(memory=600 << 20, files=512)}


def specs(system: living.Living) -> list[instances.Spec]:
    found = (instances.read(path) for path in sorted(system.home.instances.glob("w-*.json")))
    return [one for one in found if one is not None]


def ready(system: living.Living, name: str) -> int:
    said = instances.read_state(system.home.instances, name)
    pid = system.pid(name)
    return pid if pid and said.get("state") == "ready" and said.get("pid") == pid else 0
