"""Label sums and losses are the same whatever order segments are read in, and however often the recorder is killed."""

import math
import pathlib
import tempfile

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import interrupted
from tidegate.core.vocabulary import home, ids, losses, records, sums, tables
from tidegate.dataplane.predlog import outcomes, segments

T0 = interrupted.T0
AGE = 10.0
PREDICTED = st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([0, 0, 0, 1, 3, 5]))
HEARD = st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(1, 2), st.sampled_from([1, 4, 9, 11, 15]), st.booleans())
"""Which prediction, label, label version, seconds after T0, repeated."""
histories = given(
    predicted=st.lists(PREDICTED, min_size=1, max_size=6),
    heard=st.lists(HEARD, max_size=8),
    boots=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    kills=st.lists(st.integers(0, 20), max_size=3),
    order=st.randoms(use_true_random=False),
)


def prediction(number: int, tick: int, candidate: bool, mark: int) -> records.Prediction:
    ns = (T0 + tick) * 10**9
    return records.Prediction(
        1, "host", "", 0, ids.uuid7(ns // 10**6, number), "", "production", "e", "r1", 0, 5, 1, "d", int(candidate), 500, True,
        b"", 0, mark, 200, 1, False, ns, 1, 1, 1, 1, -1, () if mark else (0.9,), "records", b"", b"",
    )  # fmt: skip


def history(predicted: list[tuple[int, bool, int]], heard: list[tuple[int, int, int, int, bool]]) -> list[segments.Record]:
    made: list[segments.Record] = [prediction(number, *one) for number, one in enumerate(predicted)]
    for number, label, version, at, repeated in heard:
        of = made[number % len(predicted)]
        one = records.Outcome(1, "host", "", 0, of.id, 0, float(label), version, 0, (T0 + at) * 10**9)
        made += [one, one] if repeated else [one]
    return made


def place(root: str, kind: str) -> home.Home:
    made = home.Home(pathlib.Path(root))
    made.prepare()
    rule = tables.Outcomes(kind, within_seconds=AGE)
    route = tables.Route("e", "production", tables.Deployed(1, "d", "m"), release="r1", outcomes=rule)
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"e": route})))
    return made


def published(history: list[segments.Record], boots: list[int], kills: list[int], kind: str = "auto") -> sums.Labels:
    """What is published when each record is appended by one of three gateways and the recorder dies at some of them."""
    with tempfile.TemporaryDirectory() as root:
        made = place(root, kind)
        at_work = interrupted.read(made, history, boots, kills)
        at_work.step(T0 + 60.0)
        at_work.close()
        raw = (made.labels / "e.json").read_bytes()
        return msgspec.json.decode(raw, type=dict[str, sums.Labels])["r1"]


def entered(history: list[segments.Record]) -> list[tuple[records.Prediction, list[outcomes.Heard]]]:
    """The predictions in a cohort, each with what was heard of it in time, straight from the rules."""
    found = []
    for one in history:
        if isinstance(one, records.Prediction) and one.mark != 5:
            heard: dict[int, outcomes.Heard] = {}
            for told in sorted(
                (t for t in history if isinstance(t, records.Outcome) and t.id == one.id), key=lambda t: t.received_ns
            ):
                heard.setdefault(told.label_version, outcomes.Heard(0, told.label_version, told.label, told.received_ns))
            found.append((one, [each for each in heard.values() if each.received_ns <= one.arrived_ns + AGE * 1e9]))
    return found


def expected(history: list[segments.Record]) -> dict[int, list[int]]:
    """Arrived, labelled and wrong by tick, stable then candidate, straight from the rules."""
    cells: dict[int, list[int]] = {}
    for one, in_time in entered(history):
        cell = cells.setdefault(one.arrived_ns // 10**9, [0] * 6)
        wrong = bool(in_time) and (one.mark != 0 or max(in_time, key=lambda each: each.label_version).label == 0.0)
        for at, more in enumerate((1, bool(in_time), wrong)):
            cell[3 * one.arm + at] += more
    return cells


def lost(history: list[segments.Record]) -> dict[int, tuple[dict[int, int], dict[int, int]]]:
    """Losses by tick and bucket, stable's and the candidate's, straight from the rules."""
    cells: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
    for one, in_time in entered(history):
        counts = cells.setdefault(one.arrived_ns // 10**9, ({}, {}))[one.arm]
        if in_time:
            label = max(in_time, key=lambda each: each.label_version).label
            off = abs(float(label) - 0.9) if one.mark == 0 else math.inf
            counts[losses.bucket(off)] = counts.get(losses.bucket(off), 0) + 1
    return cells


def decided(made: list[segments.Record]) -> list[segments.Record]:
    """Without what an order alone could decide: two outcomes for one key received at the very same moment."""
    unique = {(one.id, one.label_version, one.received_ns): one for one in made if isinstance(one, records.Outcome)}
    return [
        one for one in made if isinstance(one, records.Prediction) or unique[one.id, one.label_version, one.received_ns] == one
    ]


@settings(max_examples=10, deadline=None)
@histories
def test_label_sums_are_the_same_in_any_order_of_reading_and_after_any_kill(predicted, heard, boots, kills, order) -> None:  # type: ignore[no-untyped-def]
    made = decided(history(predicted, heard))
    truth = expected(made)
    order.shuffle(made)
    told = published(made, boots, kills)
    assert {
        one.tick: [one.stable, one.stable_labelled, one.stable_wrong, one.candidate, one.candidate_labelled, one.candidate_wrong]
        for one in told.sums
    } == truth


@settings(max_examples=10, deadline=None)
@histories
def test_every_labelled_prediction_is_in_the_bucket_of_its_loss_in_any_order_and_after_any_kill(
    predicted, heard, boots, kills, order
) -> None:  # type: ignore[no-untyped-def]
    made = decided(history(predicted, heard))
    truth = lost(made)
    order.shuffle(made)
    told = published(made, boots, kills, "number").sums
    assert {one.tick: (dict(one.stable_loss), dict(one.candidate_loss)) for one in told} == truth
    for one in told:
        assert sum(count for _, count in one.stable_loss) == one.stable_labelled
        assert sum(count for _, count in one.candidate_loss) == one.candidate_labelled
