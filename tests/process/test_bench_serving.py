"""The serving benchmark runs, loses nothing, and finds the gateway ahead of a service without one."""

import json
import subprocess
import sys

import pytest

from bench import serving


@pytest.mark.timeout(300)
def test_the_quick_benchmark_answers_everything_and_writes_its_table(tmp_path):
    argv = [sys.executable, "-m", "bench.serving", "--quick", "--seconds", "1", "--json", str(tmp_path / "out.json")]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr[-2_000:]
    result = json.loads((tmp_path / "out.json").read_text())
    assert [(row["server"], row["model"], row["connections"]) for row in result["rows"]] == [
        *(("fastapi", "logreg", number) for number in serving.CONNECTIONS),
        *(("tidegate", name, number) for name in serving.QUICK for number in serving.CONNECTIONS),
        (serving.ACK, "logreg", 64),
    ]
    assert result["errors"] == 0
    for row in result["rows"]:
        assert row["errors"] == 0
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert bool(row["model_ms"]) == (row["server"] != "fastapi"), "the log tells how long the model took"
    assert set(result["ratios"]["logreg"]) == {"1", "16", "64"}
    assert result["ratios"]["logreg"]["64"] > 1.5, "less than a busy machine's noise"
    assert result["rss_mib"]["logreg"]["gateway"] < 100
    assert len(result["targets"]) == 7
