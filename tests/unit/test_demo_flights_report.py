"""What the demo says at its end, and when it says that the story did not come out."""

import io
import json
import pathlib
from typing import Any

import pytest
from rich import console

from tidegate.core.vocabulary import errors
from tidegate.interface.demo import options
from tidegate.interface.demo.flights import report, setting

EVIDENCE = {"metric": "errors", "e_value": 250.0, "log_e": 5.5, "threshold": 4.8, "group": "immediate", "weight": 0.5}


def told(number: int, outcome: str, **harm: float) -> report.Line:
    release: dict[str, Any] = {
        "id": f"r{number}",
        "candidate": {"name": f"v{number}"},
        "strategy": "canary",
        "outcome": outcome,
        "phase": outcome,
        "reason": "because",
        "stable": {"name": "v1"},
        "verdict": {"harm": harm, "evidence": [EVIDENCE]},
    }
    moments = [("warming", 10.0), ("running", 12.5), ("rolling_back", 15.0), (outcome, 15.25)]
    return report.line(release, [{"phase_after": phase, "at": at, "reason": f"to {phase}"} for phase, at in moments])


def good() -> report.Result:
    outcomes = ("succeeded", "succeeded", "rolled_back", "rolled_back")
    lines = [told(number, outcome, candidate_requests=900, failed=7, rescued=7) for number, outcome in enumerate(outcomes, 1)]
    trace = {"prediction_id": "p", "version": "v4", "bundle_digest": "d", "run_id": "r", "training_data_sha256": "s"}
    return report.Result(requests=100, outcomes_joined=90, releases=lines, trace=trace)


def shown(part: console.RenderableType) -> str:
    out = io.StringIO()
    console.Console(file=out, width=80).print(part)
    return out.getvalue()


def test_a_release_is_told_by_its_events_and_its_verdict() -> None:
    line = told(3, "rolled_back", candidate_requests=900, failed=7, rescued=6, excess=5.2)
    assert (line.version, line.outcome, line.seconds, line.candidate_requests, line.rescued) == (
        "v3",
        "rolled_back",
        2.75,
        900,
        6,
    )
    assert line.evidence[0]["metric"] == "errors"
    assert line.harmed == 7


def test_harmed_counts_proven_excess_where_nothing_failed() -> None:
    assert told(4, "rolled_back", candidate_requests=900, failed=0, wrong=170, excess=41.3).harmed == 42
    assert told(2, "succeeded", candidate_requests=9_000, failed=0, wrong=900, excess=0.0).harmed == 0


def test_a_success_is_told_by_what_promoted_it_and_not_by_what_ended_its_watch() -> None:
    events = [
        {"phase_after": "promoting", "at": 1.0, "reason": "proven"},
        {"phase_after": "succeeded", "at": 2.0, "reason": "over"},
    ]
    release = {
        "id": "r",
        "candidate": {"name": "v2"},
        "strategy": "canary",
        "outcome": "succeeded",
        "phase": "succeeded",
        "reason": "over",
    }
    assert report.line({**release, "stable": {"name": "v1"}, "verdict": None}, events).reason == "proven"
    assert report.line({**release, "stable": None, "verdict": None}, events).reason == "over"


def test_a_first_release_has_no_verdict_and_no_harm() -> None:
    release = {
        "id": "r1",
        "candidate": {"name": "v1"},
        "strategy": "full",
        "outcome": "",
        "phase": "succeeded",
        "reason": "",
        "verdict": None,
    }
    line = report.line(release, [])
    assert (line.outcome, line.seconds, line.harmed, line.evidence) == ("succeeded", 0.0, 0, [])


def test_the_json_has_the_documented_shape() -> None:
    found = json.loads(json.dumps(report.as_json(good())))
    assert {"requests", "failed_requests", "lost_records", "outcomes_joined", "releases", "trace"} <= set(found)
    keys = {"version", "strategy", "outcome", "reason", "candidate_requests", "harmed", "rescued", "seconds", "evidence"}
    assert keys <= set(found["releases"][0])
    assert {"metric", "e_value"} <= set(found["releases"][0]["evidence"][0])
    assert {"prediction_id", "version", "bundle_digest", "run_id", "training_data_sha256"} <= set(found["trace"])


def test_a_story_that_came_out_has_no_complaints() -> None:
    assert report.complaints(good()) == []


def test_every_way_of_not_coming_out_is_said() -> None:
    result = good()
    result.failed_requests, result.lost_records, result.trace = 2, 1, {}
    result.releases[2] = told(3, "succeeded")
    del result.releases[3]
    said = " | ".join(report.complaints(result))
    for part in (
        "2 requests failed",
        "1 predictions are not in the log",
        "v3 should have rolled back",
        "v4 was never released",
        "traced",
    ):
        assert part in said


def test_the_summary_shows_every_release_with_its_reason_and_the_trace() -> None:
    text = shown(report.draw(good()))
    for said in ("v1", "v4", "rolled back", "because", "data sha256", "0 failed", "0 lost"):
        assert said in text


def test_what_to_type_next_names_the_traced_prediction_and_the_directory() -> None:
    text = shown(report.next_steps(options.Options(folder=pathlib.Path("here")), good()))
    assert "tidegate trace p  " in text
    assert "cd here" in text


def test_the_demos_directory_is_emptied_only_when_a_demo_has_made_it(tmp_path: pathlib.Path) -> None:
    mine = tmp_path / "demo"
    setting.prepare(mine, setting.FAST)
    (mine / "left-over").write_text("x")
    setting.prepare(mine, setting.FULL)
    assert not (mine / "left-over").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(errors.SpecInvalid, match="--home"):
        setting.prepare(other, setting.FAST)
    assert (other / "thesis.txt").exists()
