"""The serving benchmark runs, loses nothing, and finds the gateway ahead of a service without one."""

import json
import subprocess
import sys

import pytest

from bench import serving


@pytest.mark.timeout(300)
def test_the_quick_benchmark_answers_everything_and_writes_its_table(tmp_path):
    argv = [sys.executable, "-m", "bench.serving", "--quick", "--json", str(tmp_path / "out.json")]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-2_000:]
    result = json.loads((tmp_path / "out.json").read_text())
    assert [(row["server"], row["connections"]) for row in result["rows"]] == [
        (server, number) for server in ("fastapi", "tidegate") for number in serving.CONNECTIONS
    ]
    for row in result["rows"]:
        assert row["errors"] == 0
        assert 0 < row["p50_ms"] <= row["p99_ms"]
    assert set(result["ratios"][serving.MODEL]) == {"1", "16", "64"}
    assert result["ratios"][serving.MODEL]["64"] > 1.5, "less than a busy machine's noise"
