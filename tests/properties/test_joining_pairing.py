"""Pairs and posted values are the same in any order of reading, over any number of gateways and kills."""

import pathlib
import tempfile

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import interrupted
from tidegate.core.vocabulary import home, ids, records, sums, tables
from tidegate.dataplane.predlog import segments

T0 = interrupted.T0
TOLERANCE = 0.5
REQUESTS = st.tuples(st.booleans(), st.sampled_from([0, 0, 0, 2, 6]), st.sampled_from(["", "0", "0.4", "0.6", "x", "!1", "!7"]))
"""Whether stable was drawn, the request's mark, and its copy: none, an answer so far from the request's, or `!` its mark."""
OUTCOMES = st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0]))
POSTED = st.tuples(st.integers(0, 5), st.integers(-3, 3))


def request(number: int, stable: bool, mark: int) -> records.Prediction:
    ns = T0 * 10**9 + number * 10**8
    return records.Prediction(
        1, "host", "", 0, ids.uuid7(ns // 10**6, number), "", "production", "e", "r1", 0, 5, 1, "d", int(not stable), 500, True,
        b"", 0, mark, 200, 1, False, ns, 1, 1, 1, 1, -1, () if mark else (1.0,), "records", b"%d" % number, b"",
    )  # fmt: skip


def copy(of: records.Prediction, said: str) -> records.Prediction:
    mark = int(said[1:]) if said.startswith("!") else 0
    answers = () if mark else ("x",) if said == "x" else (1.0 - float(said),)
    return msgspec.structs.replace(of, arm=1 - of.arm, role=1, mark=mark, answers=answers, input=b"", evidence=False)


def published(history: list[segments.Record], boots: list[int], kills: list[int]) -> tuple[sums.Pairs | None, dict[int, float]]:
    """What is written when each record is appended by one of three gateways and the recorder dies at some of them."""
    with tempfile.TemporaryDirectory() as root:
        made = home.Home(pathlib.Path(root))
        made.prepare()
        rule, pairing = tables.Outcomes(within_seconds=10.0), tables.Pairing(TOLERANCE)
        stable = tables.Deployed(1, "d", "m")
        route = tables.Route("e", "production", stable, release="r1", mirror=100, outcomes=rule, pairing=pairing)
        made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"e": route})))
        at_work = interrupted.read(made, history, boots, kills)
        for at in (10.0, 20.0, 100.0):
            at_work.step(T0 + at)
        at_work.close()
        path = made.pairs / "e.json"
        paired = msgspec.json.decode(path.read_bytes(), type=dict[str, sums.Pairs]) if path.exists() else {}
        labels = msgspec.json.decode((made.labels / "e.json").read_bytes(), type=dict[str, sums.Labels])["r1"]
        posted = [one for one in labels.values if one.metric == "revenue"]
        totals = {arm: moments.total for one in posted for arm, moments in ((1, one.candidate), (0, one.stable)) if moments.count}
        return paired.get("r1"), totals


@settings(max_examples=12, deadline=None)
@given(
    asked=st.lists(REQUESTS, min_size=1, max_size=6),
    heard=st.lists(OUTCOMES, max_size=4, unique_by=lambda one: one[0]),
    posted=st.lists(POSTED, max_size=4, unique_by=lambda one: one[0]),
    boots=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    kills=st.lists(st.integers(0, 16), max_size=3),
    order=st.randoms(use_true_random=False),
)
def test_pairs_and_values_are_the_same_in_any_order_and_after_any_kill(asked, heard, posted, boots, kills, order) -> None:  # type: ignore[no-untyped-def]
    history: list[segments.Record] = []
    truth = dict(heard)
    expected, totals = [0] * 5, {}
    mirrored = False
    for number, (stable, mark, said) in enumerate(asked):
        one = request(number, stable, mark)
        history.append(one)
        if not said:
            continue
        mirrored = True
        other = copy(one, said)
        history.append(other)
        if mark or said == "!7":
            continue
        failed, apart = said == "!1", 1.0 if said == "x" else abs(float(said)) if not said.startswith("!") else 0.0
        expected[0] += 1
        expected[1] += failed or apart > TOLERANCE
        expected[2] += failed
        # 1.0 is a yes, 0.6 too, 0.4 a no; "x" cannot be held against a number that is 0 or 1 but as a class: it is wrong.
        label = truth.get(number)
        if label is not None:
            served_wrong = label == 0.0
            copy_wrong = failed or said == "x" or ((other.answers[0] >= 0.5) != (label == 1.0))  # type: ignore[operator]
            expected[3] += copy_wrong and not served_wrong
            expected[4] += served_wrong and not copy_wrong
    for number, label in heard:
        if number < len(asked):
            of = request(number, *asked[number][:2])
            history.append(records.Outcome(1, "host", "", 0, of.id, 0, label, 1, 0, (T0 + 2) * 10**9))
    for number, value in posted:
        if number < len(asked):
            of = request(number, *asked[number][:2])
            history.append(records.Outcome(1, "host", "", 0, of.id, 0, float(value), 1, 0, T0 * 10**9, metric="revenue"))
            totals[of.arm] = totals.get(of.arm, 0.0) + value
    order.shuffle(history)
    pairs, told = published(history, boots, kills)
    assert told == totals
    assert (pairs is not None) == mirrored
    if pairs is not None:
        found = pairs.all
        counts = [found.pairs, found.disagreed, found.failed, found.copy_only_wrong, found.served_only_wrong]
        assert counts == expected
        assert pairs.unmatched == 0
