"""The other benchmarks run in small, lose nothing, and say what they are to say. Their times are nobody's business here."""

import json
import subprocess
import sys

import pytest

from bench import page
from tests.conformance import environments

pytestmark = pytest.mark.timeout(300)


def run(folder, module, *words):
    argv = [sys.executable, "-m", f"bench.{module}", "--quick", "--json", str(folder / "out.json"), *words]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr[-2_000:]
    result = json.loads((folder / "out.json").read_text())
    assert result["errors"] == 0
    return result


def test_overhead_finds_the_record_of_every_request_and_is_shown_on_its_page(tmp_path):
    result = run(tmp_path, "overhead", "--seconds", "1", "--rate", "200")
    rows = result["rows"]
    assert [row["spacing"] for row in rows] == ["constant", "poisson"]
    for row in rows:
        assert (row["requests"], row["errors"], row["unlogged"]) == (200, 0, 0)
        assert 0 < row["worker"]["p50_ms"] < row["p50_ms"]
        assert 0 < row["added"]["p50_ms"] <= row["added"]["p99_ms"]
    shown = page.measured({"overhead": result})
    assert "| overhead | constant: added by the gateway, ms, p50 |" in shown
    assert shown.count("sender late p99") == 2


def test_swaps_are_all_obeyed_while_nobody_is_failed(tmp_path):
    result = run(tmp_path, "swaps", "--swaps", "20")
    assert (result["swaps"], result["failed"], result["probes_failed"]) == (20, 0, 0)
    assert result["load"][0]["requests"] > 0
    assert result["took"]["p50_ms"] < 1_000


def test_a_version_that_comes_and_goes_costs_stable_no_request(tmp_path):
    result = run(tmp_path, "interference", "--repeat", "1", "--trees", "4")
    assert result["ratio"] > 0
    assert len(result["loading_seconds"]) == 1
    assert result["requests"] > 500


def test_batching_is_measured_in_three_ways_and_keeps_its_time_limits(tmp_path):
    rows = run(tmp_path, "batching", "--models", "slow")["rows"]
    assert [(row["batching"], row["load"]) for row in rows] == [
        (kind, load) for kind in ("tidegate", "none", "fixed") for load in ("closed 64", "open 250/s")
    ]
    ours, none = rows[0], rows[2]
    assert ours["rps"] > 2 * none["rps"], "64 requests of 20 ms each, one by one, are most of them late"
    assert none["missed"] > ours["missed"]


def test_endpoints_asleep_are_woken_by_their_first_request(tmp_path):
    result = run(tmp_path, "endpoints", "--endpoints", "3", "--seconds", "1", "--wakes", "1")
    assert set(result["each"]) == {"gateway-0", "control", "recorder", "monitor", "api", "keeper"}
    assert [one["asked"] for one in result["first_request"].values()] == [1, 1]


def test_hostile_requests_are_counted_and_nothing_is_left_open(tmp_path):
    result = run(tmp_path, "hostile", "--attacks", "300")
    assert result["attacks"] == 300
    assert result["good_answers"] > 0
    assert all(files["after"] <= files["before"] for files in result["files"].values())
    assert set(result["memory"]) == {"gateway-0", "matrix", "fare"}


def test_releases_in_a_row_fail_nobody_and_control_is_taken_over(tmp_path):
    result = run(tmp_path, "releases", "--releases", "3")
    assert (result["releases"], result["failed_requests"], result["unsuccessful"]) == (3, 0, 0)
    assert result["ticks"]["live"] == 50
    assert result["verdict_to_off_ms"]["of"] > 0
    assert result["recreate_gap_s"] > 0
    assert "| canary | 1 |" in page.measured({"releases": result})


def test_watching_for_drift_is_cheap_beside_a_peer_and_quiet_where_nothing_changes(tmp_path):
    environments.python("evidently")
    result = run(tmp_path, "monitors")
    assert [one["alarms"] for one in result["windows"]] == [0, 0]
    assert min(one["windows"] for one in result["windows"]) > 100
    report = result["report"]
    assert report["evidently"]["seconds"] > 5 * report["tidegate"]["seconds"]
    assert report["evidently"]["mib"] > 2 * report["tidegate"]["mib"]
    assert "| nothing changes: rows a window |" in page.measured({"monitors": result})
