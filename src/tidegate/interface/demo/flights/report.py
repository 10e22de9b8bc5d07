"""How the story came out: the same as a table for people, as JSON for programs, and as the reasons why it did not."""

import dataclasses
import math
import pathlib
import shutil
import sys
import typing

from rich import box, console, table, text

from tidegate.interface.demo import options as asked
from tidegate.interface.demo.flights import recipes, setting, view

Json = dict[str, typing.Any]
EXPECTED = {"v1": "succeeded", "v2": "succeeded", "v3": "rolled_back", "v4": "rolled_back"}


@dataclasses.dataclass
class Line:
    """One release."""

    version: str
    strategy: str
    outcome: str
    reason: str
    candidate_requests: int
    harmed: int
    """Requests that the candidate failed, or, where more, that it is proven to have answered worse than stable."""
    rescued: int
    seconds: float
    """From the first step's beginning until the release had ended, its rollback seen in force."""
    evidence: list[Json]
    failed: int = 0
    wrong: int = 0
    """Candidate predictions that turned out wrong; a good model has some too."""
    release: str = ""


@dataclasses.dataclass
class Result:
    """Everything; `as_json` has its shape."""

    requests: int = 0
    failed_requests: int = 0
    lost_records: int = 0
    outcomes_joined: int = 0
    releases: list[Line] = dataclasses.field(default_factory=list)
    trace: Json = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    """From the first request to the last record found."""


def line(release: Json, events: list[Json]) -> Line:
    """A release as the control API tells of it, and its events."""
    verdict = release.get("verdict") or {}
    harm = verdict.get("harm") or {}
    kept = ("metric", "e_value", "log_e", "threshold", "group")
    began = [one["at"] for one in events if one["phase_after"] == "running"]
    ended = [one["at"] for one in events if one["phase_after"] in {"rolled_back", "succeeded", "aborted", "failed"}]
    promoted = [one["reason"] for one in events if one["phase_after"] == "promoting" and release["stable"]]
    failed = int(harm.get("failed", 0))
    return Line(
        version=release["candidate"]["name"],
        strategy=release["strategy"],
        outcome=release["outcome"] or release["phase"],
        reason=promoted[-1] if promoted and release["phase"] == "succeeded" else release["reason"],
        candidate_requests=int(harm.get("candidate_requests", 0)),
        harmed=max(failed, math.ceil(harm.get("excess", 0.0))),
        rescued=int(harm.get("rescued", 0)),
        seconds=round(ended[-1] - began[0], 2) if began and ended else 0.0,
        evidence=[{key: one[key] for key in kept} for one in verdict.get("evidence", ())],
        failed=failed,
        wrong=int(harm.get("wrong", 0)),
        release=release["id"],
    )


def as_json(result: Result) -> Json:
    """What `--json FILE` writes."""
    return dataclasses.asdict(result)


def complaints(result: Result) -> list[str]:
    """What did not come out as it should have; empty when all is well."""
    found = []
    if result.failed_requests:
        found.append(f"{result.failed_requests} requests failed")
    if result.lost_records:
        found.append(f"{result.lost_records} predictions are not in the log")
    outcomes = {one.version: one for one in result.releases}
    for version, expected in EXPECTED.items():
        if version not in outcomes:
            found.append(f"{version} was never released")
        elif not outcomes[version].outcome.startswith(expected):
            found.append(
                f"{version} should have {_said(expected)}, but: {_said(outcomes[version].outcome)} ({outcomes[version].reason})"
            )
    if not result.trace:
        found.append("no bad prediction could be traced")
    return found


def draw(result: Result) -> console.RenderableType:
    """The end of the story: what became of each release and why, and one bad prediction traced."""
    parts: list[console.RenderableType] = [_counts(result), _releases(result), _reasons(result)]
    if result.trace:
        parts.append(_trace(result.trace))
    return console.Group(*parts)


def next_steps(options: asked.Options, result: Result) -> text.Text:
    """Where things are and what to type next: every command works as it stands."""
    said = text.Text(f"\n Everything is in {options.folder}:\n")
    said.append(" tidegate.yaml, the models (mlflow.db, mlruns/), releases and prediction log (.tidegate/)\n", view.DIM)
    said.append("\n It is still up. " if options.keep_up else "\n It is down again. ").append("What to type next:\n")
    there = pathlib.Path(sys.executable).parent
    commands = [
        *([] if shutil.which("tidegate") else [(f'export PATH="{there}:$PATH"', "where tidegate is")]),
        (f"cd {options.folder}", ""),
        *([] if options.keep_up else [("tidegate up -d", "serves v2 again, as it was")]),
        ("tidegate status", "everything on one screen"),
        (f"tidegate history {setting.ENDPOINT}", "what became of each release"),
        (f"tidegate trace {result.trace.get('prediction_id', 'ID')}", "the one above"),
        (f"tidegate release --model mlflow://{setting.ENDPOINT}/4", "refused: it is held"),
        (f"tidegate send {setting.ENDPOINT} --rate 50", "traffic of your own"),
        ("tidegate down", "stops it"),
    ]
    for command, words in commands:
        said.append(f"   {command}", "bold").append(f"   # {words}\n" if words else "\n", view.DIM)
    return said


def _counts(result: Result) -> text.Text:
    said = text.Text("\n ").append(f"{result.requests:,}", "bold").append(" requests, ")
    said.append(f"{result.failed_requests} failed", view.BAD if result.failed_requests else view.GOOD).append(", ")
    said.append(f"{result.lost_records} lost", view.BAD if result.lost_records else view.GOOD).append(" from the log, ")
    return said.append(f"{result.outcomes_joined:,}", "bold").append(" outcomes joined\n")


def _releases(result: Result) -> table.Table:
    rows = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    rows.add_column("", no_wrap=True, min_width=3)
    rows.add_column("what its authors say", no_wrap=True, overflow="ellipsis", ratio=1)
    rows.add_column("outcome", no_wrap=True, min_width=11)
    for title in ("canary\nrequests", "harmed", "rescued", "seconds"):
        rows.add_column(title, justify="right", no_wrap=True, min_width=max(map(len, title.split())))
    titles = {f"v{recipe.number}": recipe.title for recipe in recipes.RECIPES}
    for one in result.releases:
        style = view.GOOD if one.outcome.startswith("succeeded") else view.BAD
        numbers = (f"{one.candidate_requests:,}", f"{one.harmed:,}", f"{one.rescued:,}", f"{one.seconds:.1f}")
        told = (text.Text(f" {one.version}", "bold"), titles.get(one.version, ""), text.Text(_said(one.outcome), style))
        rows.add_row(*told, *numbers)
    return rows


def _reasons(result: Result) -> table.Table:
    """Why each ended as it did; and what was really the matter with the bad ones, which nobody had told Tidegate."""
    rows = table.Table.grid(padding=(0, 1))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column()
    truths = {f"v{recipe.number}": recipe.truth for recipe in recipes.RECIPES}
    for one in result.releases:
        rows.add_row(f" {one.version}", one.reason)
        if truth := truths.get(one.version):
            rows.add_row("", text.Text(f"The bug: {truth}", view.DIM))
    return rows


def _trace(trace: Json) -> console.RenderableType:
    rows = table.Table.grid(padding=(0, 1))
    rows.add_column(style=view.DIM, justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    truth = "late" if trace.get("outcome") else "on time"
    shown = {
        "prediction": trace.get("prediction_id"),
        "flight": trace.get("flight"),
        "said": f"late with probability {trace.get('answer', 0.0):.5f}; it was {truth}",
        "version": f"{trace.get('version')} in release {trace.get('release')}",
        "bundle": trace.get("bundle_digest"),
        "run": trace.get("run_id"),
        "data sha256": trace.get("training_data_sha256"),
    }
    for key, value in shown.items():
        rows.add_row(f" {key}", str(value))
    return console.Group(text.Text("\n One bad prediction, from its id to the data its model was trained on", "bold"), rows)


def _said(outcome: str) -> str:
    return outcome.replace("_", " ")
