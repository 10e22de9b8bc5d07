"""A whole Tidegate whose log goes to a lake: over a kill of the shipper, and a lake that is gone for a while."""

import json
import pathlib
import urllib.request

import pyarrow.parquet as pq

from tests.process import living
from tidegate.core.vocabulary import instances
from tidegate.observability.monitors import speaking

ROW = {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}


def ask(system: living.Living, count: int) -> set[str]:
    """So many predictions; their ids."""
    found = set()
    for _ in range(count):
        body = json.dumps({"records": [ROW]}).encode()
        asked = urllib.request.Request(f"{system.address}/endpoints/iris/predict", body, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=10) as answered:
            found.add(str(answered.headers["tidegate-prediction-id"]))
    return found


def shipped(lake: pathlib.Path) -> list[str]:
    paths = lake.glob("predictions/endpoint=iris/day=*/*.parquet")
    return [one for path in paths for one in pq.read_table(path, columns=["id"], partitioning=None)["id"].to_pylist()]


def test_predictions_reach_the_lake_once_each_over_a_kill_and_a_lake_that_was_gone(
    tmp_path: pathlib.Path, models: pathlib.Path, monkeypatch
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    monkeypatch.setenv("LAKE", lake.as_uri())
    with living.alive(tmp_path, models, "log: {sinks: [{to: {env: LAKE}, behind: 1s}]}") as system:
        wanted = ask(system, 20)
        living.wait(lambda: wanted <= set(shipped(lake)), what="the first to be there")
        pid = system.kill("shipper")
        wanted |= ask(system, 20)
        system.await_successor("shipper", pid)
        living.wait(lambda: wanted <= set(shipped(lake)), what="those asked meanwhile")
        lake.rename(tmp_path / "moved")
        lake.write_text("a file where a folder must be")
        wanted |= ask(system, 5)
        living.wait(lambda: "alarm shipping: iris: env:LAKE is" in system.run("status"), what="the alarm")
        lake.unlink()
        (tmp_path / "moved").rename(lake)
        living.wait(lambda: wanted <= set(shipped(lake)), 60.0, "what waited")
        living.wait(lambda: not speaking.Voice(system.home.alarms, "shipping").said, what="nothing to be wrong")
        said = instances.read_state(system.home.instances, "shipper")["sinks"]
        assert [(one["to"], one["given_up"]) for one in said] == [("env:LAKE", 0)]
        found = shipped(lake)
        assert len(found) == len(set(found))
