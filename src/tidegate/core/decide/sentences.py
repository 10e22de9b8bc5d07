"""The judge's sentences: every verdict as a person would say it, with its numbers, from first principles and without jargon."""

import math
from collections.abc import Iterator, Mapping

from tidegate.core.decide import case, feed, ledger
from tidegate.core.stats import comparison, intervals, larger, power, tally
from tidegate.core.vocabulary import amounts, arms, verdicts

_REQUESTS, _LABELLED = "candidate requests", "labelled candidate predictions"
_VERBS = {
    ledger.ERRORS: ("fails", "of requests", _REQUESTS),
    ledger.TIMEOUTS: ("does not answer", "of requests in time", _REQUESTS),
    ledger.INVALID: ("breaks its contract on", "of requests", _REQUESTS),
    ledger.LATENCY: ("takes longer than stable's p90", "of requests", _REQUESTS),
    ledger.RIGHT: ("is wrong on", "of labelled predictions", _LABELLED),
    ledger.LOSS: ("is further off than stable's p90", "of labelled predictions", _LABELLED),
    ledger.SCORE: ("has a Brier score of", "over labelled predictions", _LABELLED),
}
_NOTES = {ledger.SCORE: "Brier score: the mean squared distance of a probability from the outcome"}
_SUFFERED = {ledger.LATENCY: "waited longer", ledger.LOSS: "got a prediction that is further off"}


def failed(found: case.Case, line: ledger.Line, log_e: float, culprit: str, harm: verdicts.Harm) -> str:
    """FAIL: what it does worse, how sure that is, after how much, and who was hurt."""
    metric = next(each for each in found.metrics if each.name == culprit)
    bad, counted = metric.seen()[0]
    proof = f"e = {e_value(log_e)} > {e_value(line.threshold)}"
    if found.keyed:
        return f"{_keys(found)}; {proof}; {_hurt(harm)}."
    hurt = _hurt(harm, wrong=metric.name != ledger.SCORE)
    if metric.name == ledger.SCORE and found.labels is not None:  # who is too sure of it need not be wrong more often
        (bad1, n1), (bad0, n0) = found.labels.seen()
        hurt = f"it is wrong on {percent(bad1, n1)}, stable on {percent(bad0, n0)}; {hurt}"
    if isinstance(metric, case.Sizes):
        hurt += f", at least {power.excess_harm(bad, metric.interval[0]):,.0f} {_SUFFERED[metric.name]}"
    return f"{_rates(found, metric)}; {proof} after {_counted(metric, counted)}; {hurt}."


def failed_where(found: case.Case, worst: verdicts.Evidence, e: tuple[float, float], harm: verdicts.Harm) -> str:
    """FAIL in a slice, errors[column=value]: likewise. `e`: log e-value and threshold of the slices together."""
    where = worst.metric.partition("[")[2].removesuffix("]")
    where = f"{where[:-1]} is empty" if where.endswith("=") and where.count("=") == 1 else where
    (bad1, n1), (bad0, n0) = worst.candidate, worst.stable
    name = found.release.candidate.name
    rates = f"{name} fails {percent(bad1, n1)} {span(bad1, n1)} of requests where {where}, stable {percent(bad0, n0)}"
    counted = f"{n1:,} candidate {'request' if n1 == 1 else 'requests'} there"
    return f"{rates}; e = {e_value(e[0])} > {e_value(e[1])} after {counted}; {_hurt(harm)}."


def passed(found: case.Case, evidence: tuple[verdicts.Evidence, ...]) -> str:
    """PASS: no worse by how much at most, on each guard."""
    parts = []
    for metric in found.guards:
        assert metric.margin is not None
        proof = next(each for each in evidence if each.metric == f"{metric.name}.no_worse")
        (bad1, n1), (bad0, n0) = proof.candidate, proof.stable
        verb, of, _ = _VERBS[metric.name]
        margin = f"{1 + metric.margin.relative:.3g} times" if metric.margin.relative else _part(metric, metric.margin.absolute)
        parts.append(
            f"{verb} {_part(metric, bad1 / max(1, n1))} {of} against stable's {_part(metric, bad0 / max(1, n0))} "
            f"(margin {margin}, e = {e_value(proof.log_e)} > {e_value(proof.threshold)} "
            f"after {_counted(metric, n1)} of this step)"
        )
    in_time = list(_in_time(found, {one.metric: one for one in evidence}))
    parts += in_time
    untimed = "" if in_time or not found.release.policy.time_margins else f" {_untimed(found)}"
    return f"{found.release.candidate.name} is no worse than stable at {_share(found.rho)}: it {_listed(parts)}.{untimed}"


def unsure(found: case.Case, needs: int) -> str:
    """UNSURE: what is seen, what is missing, and for what it waits."""
    name = found.release.candidate.name
    if found.release.stable is None:
        return f"There is no stable version to compare {name} with: this is the endpoint's first release."
    if found.keyed:
        return f"{_keys(found)}; not proven worse, and not to be proven no worse, since keys that are well are not counted."
    seen = _telling(found)
    waits = _waits(found, needs)
    if not seen:
        return f"No request that {name} answered counts as evidence yet; {waits}."
    told = "; ".join(_rates(found, metric, subject=metric is seen[0]) for metric in seen)
    after = " and ".join(_counted(metric, metric.seen()[0][1]) for metric in seen)
    return f"{told}; proven neither worse nor no worse after {after}; {waits}."


def _telling(found: case.Case) -> list[case.Metric]:
    """The guards that have seen something. Where no answer is wrong, how far off they are says more of outcomes."""
    far = found.loss if isinstance(found.loss, case.Sizes) and found.loss.at(case.SHOWN) else None
    seen = [one for one in found.guards if one.seen()[0][1]]
    return [far if far and one.name == ledger.RIGHT and not any(bad for bad, _ in one.seen()) else one for one in seen]


def broken(found: case.Case, check: verdicts.Evidence) -> str:
    """ERROR: which counts do not fit, so that nothing can be concluded from them."""
    name = found.release.candidate.name
    why = {
        feed.SAMPLE_RATIO: "the traffic is not split as it is recorded",
        feed.LOST: "requests are lost from the counts",
        feed.LABEL_SHARE: "outcomes do not reach both arms alike",
    }[check.metric]
    return f"The counts cannot be trusted and {name} is not judged by them: {why} ({check.note})."


def noted(metric: case.Metric) -> str:
    """What a metric's counts are about, where that is not plain: how many requests lie beyond each of stable's quantiles, say."""
    if not isinstance(metric, case.Sizes):
        return _NOTES.get(metric.name, "")
    told = [(share, metric.at(share), metric.counts.beyond(share).tolist()) for share in larger.SHARES]
    if not all(at for _, at, _ in told):
        return "stable's are not known yet"
    if metric.counts.least and metric.counts.threshold(larger.SHARES[-1]) <= metric.counts.least:
        return f"stable's p99 is at most {told[-1][1]}, and below that all are the same"
    parts = [f"p{100 * share:g} ({at}): {percent(*one)}, stable {percent(*zero)}" for share, at, (one, zero) in told]
    return f"beyond stable's {'; '.join(parts)}"


def of(metric: case.Share) -> str:
    """What a share is called."""
    return "Brier score" if metric.name == ledger.SCORE else "bad share"


def allowed(metric: case.Share, margin: comparison.Margin) -> str:
    """How bad a candidate may be."""
    if margin.relative:
        return f"{1 + margin.relative:.3g} times stable's"
    return f"stable's + {_part(metric, margin.absolute)}"


def percent(bad: int, counted: int) -> str:
    """A share as people write it: "10.2 %"; "nothing" of nothing is "0 %"."""
    return _share(bad / counted if counted else 0.0)


def span(bad: int, counted: int) -> str:
    """The interval of a share, in percent: "[6.1, 17]"."""
    low, high = intervals.share(bad, counted)
    return f"[{_number(low, 2)}, {_number(high, 2)}]"


def about(number: int) -> str:
    """A count to two digits: 4,137 is "4,100"."""
    digits = max(0, len(str(number)) - 2)
    return f"{round(number, -digits):,}"


def difference(told: float, interval: tuple[float, float], relative: bool = False) -> str:
    """A difference with its interval: "+0.4 [-0.3, 1.1]", and as a share of stable's mean "+0.4 % [-0.3, 1.1]"."""
    scale, unit = (100, " %") if relative else (1, "")
    ends = ", ".join(amounts.figure(scale * end) for end in interval)
    known = all(map(math.isfinite, interval))
    return f"{amounts.figure(scale * told, sign='+')}{unit} {f'[{ends}]' if known else '(no interval yet)'}"


def e_value(log_e: float) -> str:
    """As people read it: "214", "3.1", "over 1,000,000"."""
    if log_e > math.log(1e6):
        return "over 1,000,000"
    value = math.exp(log_e)
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _untimed(found: case.Case) -> str:
    if found.rho > larger.MOST_RHO:
        return "Its times are not compared: it has more than half of the traffic."
    return (
        f"Its times are not compared: they are from the second minute of a release on, if {larger.FEWEST} of stable's by then "
        "were of requests alone in their call."
    )


def _in_time(found: case.Case, evidence: Mapping[str, verdicts.Evidence]) -> Iterator[str]:
    times = found.times
    for margin in times.margins if times is not None else ():
        if times is not None and (proof := evidence.get(times.proof(margin))):
            told = f"e = {e_value(proof.log_e)} > {e_value(proof.threshold)}"
            yield f"takes at most {times.longer(margin)} longer at p{100 * margin.quantile:g} ({told})"


def _rates(found: case.Case, metric: case.Metric, subject: bool = True) -> str:
    (bad1, n1), (bad0, n0) = metric.seen()
    verb, of, _ = _VERBS[metric.name]
    name = f"{found.release.candidate.name} " if subject else ""
    if isinstance(metric, case.Sizes):
        verb += f" ({metric.at(case.SHOWN)}) for"
    if metric.name == ledger.SCORE:
        return f"{name}{verb} {_part(metric, bad1 / max(1, n1))} {of}, stable {_part(metric, bad0 / max(1, n0))}"
    return f"{name}{verb} {percent(bad1, n1)} {span(bad1, n1)} {of}, stable {percent(bad0, n0)}"


def _part(metric: case.Metric, value: float) -> str:
    """A share in percent, a score as it is."""
    return f"{value:.3g}" if metric.name == ledger.SCORE else _share(value)


def _keys(found: case.Case) -> str:
    """What is seen of sticky keys: the first failed request of each, whose it was, and whose it would be by the coins."""
    counts, name = found.errors.counts, found.release.candidate.name
    drawn = counts.by_weight(counts.rows.counts[:, [tally.CANDIDATE_BAD, tally.STABLE_BAD]])
    failed, mine = sum(one + zero for _, one, zero in drawn), sum(one for _, one, _ in drawn)
    if not failed:
        return f"No key has had a failed request of {name} or stable yet"
    expected = sum(rho * (one + zero) for rho, one, zero in drawn)
    keys = "1 key" if failed == 1 else f"{failed:,} keys"
    return f"Of {keys} with a failed request {mine:,} had it from {name}, {amounts.figure(expected, 2)} expected"


def _counted(metric: case.Metric, count: int) -> str:
    what = _VERBS[metric.name][2]
    return f"{count:,} {what if count != 1 else what[:-1]}"


def _waits(found: case.Case, needs: int) -> str:
    stage, labels = found.stage, found.labels
    if not 0 < found.rho < 1:
        weight = _share(stage.weight / arms.BUCKETS) if stage else "no weight"
        return f"this stage ({weight}) has no comparison, so it cannot be proven no worse here"
    if needs > 0:
        return f"needs about {about(needs)} more candidate {'request' if needs == 1 else 'requests'} at {_share(found.rho)}"
    if labels is None or needs < 0:
        return "at these rates it will not be proven no worse"
    first = found.traffic.rows
    left = 0.0
    if not labels.counts.rows.minute.size and first.minute.size:
        left = float(first.end.min()) - 1 + found.release.policy.label_age - found.now
    when = f", the first in about {math.ceil(left):,} s" if left > 0 else ""
    return f"waits for the outcomes of requests already answered{when}"


def _hurt(harm: verdicts.Harm, wrong: bool = True) -> str:
    saw = max(0, harm.failed - harm.rescued)
    parts = [f"{saw:,} {'clients' if saw > 1 else 'client'} saw an error" if saw else "no client saw an error"]
    if harm.rescued:
        parts.append(f"{harm.rescued:,} {'was' if harm.rescued == 1 else 'were'} rescued")
    if harm.wrong and wrong:
        parts.append(f"{harm.wrong:,} got a wrong prediction")
    return ", ".join(parts)


def _share(value: float) -> str:
    return f"{_number(value, 3)} %"


def _number(share: float, digits: int) -> str:
    value = 100 * share
    if 0 < value < 0.001:
        return "<0.001"
    return f"{value:.{digits if value < 99 else 3}g}" if value < 99.95 else "100"


def _listed(parts: list[str]) -> str:
    """Joined as in a sentence: a, b and c."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
