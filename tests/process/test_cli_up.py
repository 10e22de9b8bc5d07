"""The command line with real processes: up, the API's door, down, and errors in one line."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import httpx

from tests.process import living
from tidegate.core.vocabulary import home, instances

PROGRAM = [sys.executable, "-m", "tidegate.interface.cli.main"]


def run(folder, *words):
    return subprocess.run([*PROGRAM, *words], cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def test_help_is_there_at_once(tmp_path):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run([*PROGRAM, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)
        took.append(time.perf_counter() - began)
    assert "rollback" in done.stdout
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import typer"], check=True, timeout=30)
    bare = time.perf_counter() - bare
    # 300 ms on a machine that is free; on a busy one little more than its one import costs.
    assert min(took) < max(0.3, 2.5 * bare)


def test_help_imports_no_heavy_module(tmp_path):
    code = "import sys\nfrom tidegate.interface.cli import main\nmain.run(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)
    heavy = {"rich", "httpx", "sqlalchemy", "pydantic", "msgspec", "duckdb", "pyarrow", "numpy", "asyncio", "yaml"}
    assert heavy & set(done.stderr.split()) == set()


def test_up_in_the_foreground_serves_its_api_to_the_token_alone_and_ctrl_c_ends_it(tmp_path):
    place = home.Home(tmp_path / ".tidegate")
    with (tmp_path / "out").open("w") as out:
        up = subprocess.Popen([*PROGRAM, "up", "--port", "0"], cwd=tmp_path, stdout=out, stderr=out, start_new_session=True)
    try:
        living.wait(lambda: place.addresses.exists() and _ready(place, "api"), 60, "the API")
        assert stat.S_IMODE(place.token.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.root.stat().st_mode) == 0o700
        address = json.loads(place.addresses.read_text())["api"]
        good = {"authorization": f"Bearer {place.token.read_text().strip()}"}
        url = f"{address}/v1/status"
        assert httpx.get(url, headers=good).json()["environment"] == "production"
        assert httpx.get(url).json()["code"] == "token-missing"
        assert httpx.get(url, headers={**good, "host": "evil.example"}).status_code == 403
        assert httpx.get(url, headers={**good, "origin": "http://evil.example"}).status_code == 403
        assert httpx.post(f"{address}/v1/adopt", headers=good, content="a=b").json()["code"] == "origin-refused"
        again = run(tmp_path, "up", "--port", "0")
        assert (again.returncode, again.stderr.count("\n")) == (2, 1)
        assert again.stderr.startswith("error[already-running]: ")
        assert instances.holder(place.instances, "api"), "asking for the status must not cost the API its lock"
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(timeout=60)
    assert code == 0, (tmp_path / "out").read_text()
    assert "stopped" in (tmp_path / "out").read_text()
    assert not any(instances.holder(place.instances, path.stem) for path in place.instances.glob("*.lock"))
    assert run(tmp_path, "status").returncode == 6


def test_a_port_in_use_is_named_and_nothing_is_left_running(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "up", "-d", "--port", str(taken.getsockname()[1]), "--api-port", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("error[port-in-use]: ")
    assert done.stderr.count("\n") == 1
    assert run(tmp_path, "down").returncode == 6


def test_a_bad_file_keeps_up_from_starting(tmp_path):
    (tmp_path / "tidegate.yaml").write_text("endpoint: delay\nmodel: mlflow://delay/1\nkeep: many\n")
    done = run(tmp_path, "up", "-d", "--port", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("error[spec-invalid]: tidegate.yaml:3: ")
    assert not (tmp_path / ".tidegate").exists()


def test_commands_on_a_living_endpoint(tmp_path, models):
    with living.alive(tmp_path, models) as system:
        sent = json.loads(system.run("send", "--rate", "50", "--for", "1s", "--json"))
        assert (sent["failed"], sent["versions"]) == (0, {"v1": sent["answered"]})
        answer = httpx.post(f"{system.address}/endpoints/iris/predict", json={"records": [_row()]})
        identifier = answer.headers["tidegate-prediction-id"]
        assert json.loads(system.run("feedback", identifier, "1", "--json")) == {"accepted": 1}
        traced = json.loads(system.run("trace", identifier, "--json"))
        assert (traced["prediction"]["version"], traced["prediction"]["id"]) == ("v1", identifier)
        assert traced["bundle"]["digest"] == system.endpoint()["stable"]["digest"]
        assert {one["name"] for one in traced["brought"]["checks"]} >= {"bundle", "contract", "data"}
        assert traced["brought"]["checked_at"] > 0
        wrong = run(tmp_path, "release", "--model", str(tmp_path / "nowhere.joblib"))
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
        assert wrong.stderr.startswith("error[model-source-invalid]: ")
        assert len(json.loads(system.run("history", "--json"))["releases"]) == 1
        assert "ready" in system.run("logs", "iris/v1")
        assert "v1" in system.run("status")
        planned = json.loads(system.run("plan", "--json"))
        assert planned["stages"][0]["weight"] == 500
        assert any(one.startswith("That is the same model by the same settings") for one in planned["would"])
        with (tmp_path / "tidegate.yaml").open("a") as file:
            file.write("round: 3\n")
        planned = json.loads(system.run("plan", "--json"))
        assert [one["key"] for one in planned["settings"] if one["now"] != one["value"]] == ["round"]
        assert any("by other settings (round)" in one for one in planned["would"])
        assert "file; now as the model says" in system.run("plan")
        told = [system.run("plan", *more).splitlines() for more in ((), ("--all",))]
        keys = [{line.split("  ")[0] for line in one} for one in told]
        assert {"endpoint", "model", "round", "release.strategy", "limits.timeout"} <= keys[0]
        assert ("compile" in keys[0], "compile" in keys[1]) == (False, True)
        assert len(told[0]) < 60 < 90 < len(told[1])
        bare = json.loads(system.run("status", "--json"))
        _kill(system, "api")
        (system.home.instances / "api.json").rename(tmp_path / "api.json")
        offline = json.loads(system.run("status", "--json"))
        assert (bare["api"], offline["api"]) == (True, False)
        assert offline["endpoints"][0]["stable"] == bare["endpoints"][0]["stable"]


def _kill(system, name):
    pid = system.pid(name)
    os.kill(pid, signal.SIGKILL)


def _row():
    return {"sepal_length": 5.0, "sepal_width": 3.4, "petal_length": 1.5, "petal_width": 0.2}


def _ready(place, name):
    return instances.read_state(place.instances, name).get("state") == "ready"
