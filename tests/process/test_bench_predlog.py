"""The prediction log's benchmark in small: it loses nothing, finds what is there, and says what it is to say."""

import json
import subprocess
import sys

import pytest

from bench import page

pytestmark = pytest.mark.timeout(300)


def test_nothing_is_lost_in_kills_and_everything_is_recorded_and_found(tmp_path):
    out = tmp_path / "predlog.json"
    argv = [sys.executable, "-m", "bench.predlog", "--quick", "--json", str(out)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr[-2_000:]
    result = json.loads(out.read_text())
    assert result["errors"] == 0
    assert 0 < result["logging"]["ratio"] < 2
    assert (result["killed"]["kills"], result["killed"]["lost"], result["killed"]["gaps"]) == (7, 0, 0)
    assert result["killed"]["answered"] > 100
    assert (result["recording"]["predictions"], result["classes"]["predictions"]) == (60_000, 60_000)
    assert result["classes"]["profiled"] == result["recording"]["profiled"] + result["classes"]["classes"] > 30
    assert 0 < result["among"]["median_s"] <= result["among"]["slowest_s"]
    assert len(result["soak"]["rss_mib"]) == 4
    shown = page.measured({"predlog": result})
    assert "| predlog | answered predictions lost in 7 kills" in shown
    assert "| classes | classes | 10 |" in shown
    assert "| among | rows | 300000 |" in shown
