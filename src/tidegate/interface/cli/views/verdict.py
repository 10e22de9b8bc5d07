"""A verdict with its evidence: a line for each process, and the rules that they are held to."""

from collections.abc import Iterator

from rich import table, text

from tidegate.core.decide import ledger, record, sentences
from tidegate.core.vocabulary import amounts, marks, releases, sums, verdicts

_SHARES = (50, 99)
_SLICES = 5
"""Slices that are shown at the most: those that say most against the candidate."""
_WEIGHED = frozenset({ledger.IMMEDIATE, ledger.LABELS, ledger.SLICES})
_STYLES = {"pass": "green", "fail": "bold red", "unsure": "", "error": "bold yellow"}


def whole(verdict: verdicts.Verdict, looked: record.Record | None) -> Iterator[text.Text | table.Table]:
    """The sentence, the evidence, the rules; `looked`: what it was computed from, where that was kept."""
    yield text.Text.assemble((verdict.result.upper(), _STYLES[verdict.result]), f"  {verdict.sentence}")
    if verdict.effect is not None:
        yield effects((verdict.effect, *verdict.guards))
    if verdict.evidence:
        yield evidence(verdict.evidence)
    if looked is None:
        yield text.Text("What it was computed from was not kept.", style="dim")
        return
    if looked.inputs.sums:
        yield counts(looked)
    for line in rules(looked.release):
        yield text.Text(line)
    counted = looked.inputs
    told = "1 sum" if len(counted.sums) == 1 else f"{len(counted.sums):,} sums"
    told += f" and {len(counted.labels.sums):,} of outcomes" if counted.labels and counted.labels.sums else ""
    yield text.Text(f"Computed again from its {told}: the same.", style="dim")


def evidence(lines: tuple[verdicts.Evidence, ...]) -> table.Table:
    """A row for each process; of slices only the first few that speak against the candidate."""
    told = [one for one in lines if one.group != ledger.SLICES]
    sliced = [one for one in lines if one.group == ledger.SLICES]
    against = [one for one in sliced if one.log_e > 0][:_SLICES]
    told += against + [one for one in sliced if one.note]
    others = sum(one.metric != ledger.SLICES for one in sliced) - len(against)
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in ("evidence", "group", "weight", "e", "of", "candidate", "stable", "ratio", ""):
        shown.add_column(name, overflow="fold")
    for one in told:
        low, high = one.interval
        ratio = f"{amounts.figure(low)} to {amounts.figure(high)}" if low > 0 or high != float("inf") else ""
        weight = f"{one.weight:.3g}" if one.group in _WEIGHED else ""
        proof = (sentences.e_value(one.log_e), sentences.e_value(one.threshold)) if one.group != ledger.SHOWN else ("", "")
        seen = _mean if one.metric.partition(".")[0] == ledger.SCORE else _share
        cells = (*proof, seen(one.candidate), seen(one.stable))
        shown.add_row(text.Text(one.metric), one.group, weight, *cells, ratio, one.note)
    if others:
        shown.add_row(f"{others} more", ledger.SLICES, *[""] * 6, "`--json` has them")
    return shown


def effects(told: tuple[verdicts.Effect, ...]) -> table.Table:
    """A row for the metric of a test and for each of its guards."""
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in ("metric", "candidate", "stable", "difference", ""):
        shown.add_column(name, overflow="fold")
    for one in told:
        means = (f"{amounts.figure(mean, 4)} of {units:,}" if units else "" for units, mean in (one.candidate, one.stable))
        held = f"{one.held}: {one.rule}" if one.rule else one.note
        both = one.candidate[0] and one.stable[0]
        apart = sentences.difference(one.difference, one.interval, one.relative) if both else ""
        shown.add_row(one.metric, *means, apart, held)
    return shown


def counts(looked: record.Record) -> table.Table:
    """How the requests of both arms ended: a column for each mark that any of them has."""
    told = [(arm, sum((getattr(one, arm) for one in looked.inputs.sums), sums.Counts())) for arm in ("candidate", "stable")]
    there = [mark for mark in marks.Mark if any(found.marks[mark] for _, found in told)]
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("requests of the release")
    heads = ("drawn", *(mark.name.lower() for mark in there), "pending", "rescued", *(f"model p{share}, ms" for share in _SHARES))
    for head in heads:
        shown.add_column(head, justify="right")
    for arm, found in told:
        cells = (found.opened, *(found.marks[mark] for mark in there), found.pending, found.rescued)
        shown.add_row(arm, *(f"{one:,}" for one in cells), *(_quantile(found.latency, share) for share in _SHARES))
    return shown


def _quantile(latency: tuple[int, ...], percent: int) -> str:
    """The upper edge, in milliseconds, of the bucket in which this share of the model's times is reached."""
    wanted, reached = sum(latency) * percent / 100, 0
    for bucket, count in enumerate(latency):
        reached += count
        if count and reached >= wanted:
            last = bucket == marks.LATENCY_BUCKETS - 1
            edge = amounts.figure(marks.latency_edge(bucket - last) / 1e3)
            return f"> {edge}" if last else f"<= {edge}"
    return ""


def rules(release: releases.Release) -> Iterator[str]:
    """What a release is held to, in sentences."""
    policy = release.policy
    for line in ledger.lines(release):
        of = " + ".join(f"{weight:g} x {metric}" if weight < 1 else metric for metric, weight in line.weights.items())
        e = sentences.e_value(line.threshold)
        yield f"Goes back when e of {of} passes {e}: by chance in at most {100 * policy.alpha * line.share:g} % of releases."
        if line.group == ledger.IMMEDIATE and release.carried:
            yield f"It goes on from the attempt before, whose e was {sentences.e_value(release.carried)}."
    if release.sticky:  # of keys that are well none is counted, so nothing is proven
        return
    proven = f"{1 / policy.alpha_promote:,.0f}"
    yield f"Is proven no worse when each .no_worse passes {proven}: wrongly in at most {100 * policy.alpha_promote:g} %."


def _mean(counted: tuple[int, int]) -> str:
    return f"{counted[0] / counted[1]:.3g} over {counted[1]:,}" if counted[1] else ""


def _share(counted: tuple[int, int]) -> str:
    return f"{counted[0]:,} of {counted[1]:,}" if counted[1] else ""
