"""How the story came out: the same as a table for people, as JSON for programs, and as the reasons why it did not."""

import dataclasses
import math
import typing

from rich import box, console, table, text

from tidegate.interface.demo import stories
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
    """The end of the story: what became of each release, and one bad prediction traced."""
    parts: list[console.RenderableType] = [_counts(result), _releases(result), _truths()]
    if result.trace:
        parts.append(_trace(result.trace))
    return console.Group(*parts)


def next_steps(options: stories.Options, result: Result) -> text.Text:
    """Where things are and what to type next: every command works as it stands."""
    said = text.Text(f"\n Everything is in {options.folder}: ")
    said.append("tidegate.yaml, the models (mlflow.db, mlruns), the releases and the prediction log (.tidegate)\n", view.DIM)
    said.append(" It is still up. " if options.keep_up else " It is down again. ").append("Next:\n")
    identifier = result.trace.get("prediction_id", "ID")
    commands = [
        (f"cd {options.folder}", ""),
        *([] if options.keep_up else [("tidegate up -d", "serves v2 again, as it was")]),
        ("tidegate status", "one screen: what is served, and what waits for what"),
        (f"tidegate history {setting.ENDPOINT}", "what became of each release, and why"),
        (f"tidegate trace {identifier}", "the prediction above, link by link"),
        (f"tidegate release --model mlflow://{setting.ENDPOINT}/4", "refused: v4 is held, until a person clears that"),
        (f"tidegate send {setting.ENDPOINT} --rate 50", "traffic of your own"),
        *([("tidegate down", "stops it")]),
    ]
    for command, words in commands:
        said.append(f"   {command:<58}", "bold").append(f"{words}\n", view.DIM)
    return said


def _counts(result: Result) -> text.Text:
    said = text.Text("\n ").append(f"{result.requests:,}", "bold").append(" requests, ")
    said.append(f"{result.failed_requests} failed", view.BAD if result.failed_requests else view.GOOD).append(", ")
    said.append(f"{result.lost_records} lost", view.BAD if result.lost_records else view.GOOD).append(" from the log, ")
    return said.append(f"{result.outcomes_joined:,}", "bold").append(" outcomes joined\n")


def _releases(result: Result) -> table.Table:
    rows = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    rows.add_column("", no_wrap=True)
    rows.add_column("outcome", no_wrap=True)
    rows.add_column("why", ratio=1)
    for title in ("canary\nrequests", "harmed", "rescued", "seconds"):
        rows.add_column(title, justify="right", no_wrap=True)
    for one in result.releases:
        style = view.GOOD if one.outcome.startswith("succeeded") else view.BAD
        numbers = (f"{one.candidate_requests:,}", f"{one.harmed:,}", f"{one.rescued:,}", f"{one.seconds:.1f}")
        rows.add_row(text.Text(one.version, "bold"), text.Text(_said(one.outcome), style), text.Text(one.reason), *numbers)
    return rows


def _truths() -> text.Text:
    """What was really the matter with the bad ones."""
    said = text.Text()
    for recipe in recipes.RECIPES:
        if recipe.truth:
            said.append(f" v{recipe.number}  ", "bold").append(f"“{recipe.title}”. ", "italic").append(
                f"{recipe.truth}\n", view.DIM
            )
    return said


def _trace(trace: Json) -> console.RenderableType:
    rows = table.Table.grid(padding=(0, 2))
    rows.add_column(style=view.DIM, justify="right")
    rows.add_column(overflow="fold")
    for key, value in trace.items():
        rows.add_row(f" {key.replace('_', ' ')}", str(value))
    return console.Group(text.Text(" One bad prediction, from its id to the data its model was trained on", "bold"), rows)


def _said(outcome: str) -> str:
    return outcome.replace("_", " ")
