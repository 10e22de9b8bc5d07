"""What `tidegate verdict` shows of the requests behind a verdict."""

import msgspec
from rich import console

from tidegate.core.decide import record
from tidegate.core.vocabulary import assignment, marks, releases, sums, verdicts
from tidegate.interface.cli.views import verdict

V1, V2 = (releases.Version("delay", ordinal, "d", f"m{ordinal}", "m") for ordinal in (1, 2))
RELEASE = releases.Release("r", "production", "delay", V2, V1, "canary", (), releases.Policy(), b"s", 0.0)


def arm(latency: dict[int, int], **ended: int) -> sums.Counts:
    found, times = [0] * marks.SLOTS, [0] * marks.LATENCY_BUCKETS
    for name, count in ended.items():
        found[marks.Mark[name.upper()]] = count
    for bucket, count in latency.items():
        times[bucket] = count
    return sums.Counts(sum(found) + 1, tuple(found), tuple(times), rescued=2)


def test_marks_that_nobody_has_are_left_out_and_times_are_bucket_edges():
    rows = (
        sums.Sum(3, 500, True, 0, 1, arm({20: 90}, ok=90), arm({20: 5, 30: 4}, ok=7, timeout=2)),
        sums.Sum(3, 500, True, 1, 1, arm({20: 9, 40: 1}, ok=10), arm({}, ok=0)),
    )
    screen = console.Console(width=200, color_system=None)
    with screen.capture() as shown:
        screen.print(verdict.counts(record.Record(9.0, RELEASE, sums.Inputs(rows, 9))))
    heads, candidate, stable = (line.split() for line in shown.get().splitlines())
    assert heads[4:9] == ["drawn", "ok", "timeout", "pending", "rescued"]
    assert candidate[:6] == ["candidate", "11", "7", "2", "2", "4"]
    assert candidate[6:] == ["<=", f"{marks.latency_edge(20) / 1e3:.3g}", "<=", f"{marks.latency_edge(30) / 1e3:.3g}"]
    assert stable[6:] == ["<=", f"{marks.latency_edge(20) / 1e3:.3g}", "<=", f"{marks.latency_edge(20) / 1e3:.3g}"]


def test_the_metric_of_a_test_and_its_guards_have_a_row_each():
    decides = verdicts.Effect("revenue", (900, 5.25), (1_100, 5.0), 0.25, (-0.125, 0.625), note="adjusted by last_month")
    rule = "refunds <= stable + 1%"
    guard = verdicts.Effect("refunds", (900, 0.2), (1_100, 0.25), -0.2, (-0.3, 0.005), relative=True, rule=rule, held="within")
    unknown = verdicts.Effect(
        "basket", (0, 0.0), (0, 0.0), 0.0, (-float("inf"), float("inf")), rule="basket >= stable - 1", held="open"
    )
    told = verdicts.Verdict(verdicts.Result.UNSURE, "As yet.", effect=decides, guards=(guard, unknown))
    screen = console.Console(width=200, color_system=None)
    with screen.capture() as shown:
        for part in verdict.whole(told, None):
            screen.print(part)
    _, _, *rows, _ = shown.get().splitlines()
    assert [" ".join(row.split()) for row in rows] == [
        "revenue 5.25 of 900 5 of 1,100 +0.25 [-0.125, 0.625] adjusted by last_month",
        "refunds 0.2 of 900 0.25 of 1,100 -20 % [-30, 0.5] within: refunds <= stable + 1%",
        "basket open: basket >= stable - 1",
    ]


def test_of_sticky_units_no_proof_is_promised():
    assert len(list(verdict.rules(RELEASE))) == 2
    (only,) = verdict.rules(msgspec.structs.replace(RELEASE, sticky=assignment.Sticky("header", "x-user")))
    assert only == "Goes back when e of errors passes 100: by chance in at most 1 % of releases."


def test_times_beyond_all_buckets_and_a_single_sum_are_told_in_words():
    rows = (sums.Sum(3, 500, True, 0, 1, arm({63: 90}, ok=90), arm({63: 5}, ok=5)),)
    looked = record.Record(9.0, RELEASE, sums.Inputs(rows, 9))
    screen = console.Console(width=200, color_system=None)
    with screen.capture() as shown:
        for part in verdict.whole(verdicts.Verdict(verdicts.Result.UNSURE, "As yet."), looked):
            screen.print(part)
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert "candidate 6 5 1 2 > 100,000 > 100,000" in lines
    assert lines[-1] == "Computed again from its 1 sum: the same."
