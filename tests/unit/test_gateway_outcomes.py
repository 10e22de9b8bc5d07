"""Outcomes are taken whole or not at all, and the entry that is wrong is named."""

import json

import pytest

from tidegate.core.vocabulary import assignment, errors, ids
from tidegate.dataplane.gateway import admission, outcomes

ID = ids.text(ids.uuid7(1_700_000_000_000, 12345))


def body(*entries) -> bytes:
    return json.dumps({"outcomes": list(entries)}).encode()


def test_labels_of_every_kind_are_taken():
    found = outcomes.parse(
        body(
            {"id": ID, "label": True},
            {"id": f"{ID}/4", "label": 2.5, "label_version": 3},
            {"id": ID, "label": "late"},
            {"id": ID, "label": 0},
        )
    )
    assert [(one.row, one.label, one.label_version) for one in found] == [(0, 1.0, 1), (4, 2.5, 3), (0, "late", 1), (0, 0.0, 1)]
    assert found[0].id == ids.parse(ID)


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "x", "label": 1},
        {"id": "0190163d-8694-4abc-8def-000000000000", "label": 1},
        {"id": f"{ID}/x", "label": 1},
        {"id": f"{ID}/-1", "label": 1},
        {"id": f"{ID}/", "label": 1},
        {"id": f"{ID}/99999999999999999999", "label": 1},
        {"id": f"{ID}/{'9' * 5_000}", "label": 1},
        {"id": ID},
        {"id": ID, "label": None},
        {"id": ID, "label": [1]},
        {"id": ID, "label": "x" * 2_000},
        {"id": ID, "label": 10**400},
        {"id": ID, "label": 1, "label_version": 0},
        {"id": ID, "label": 1, "labelversion": 2},
        {"label": 1},
        {"id": ID, "metric": "revenue"},
        {"id": ID, "value": 1},
        {"id": ID, "metric": "revenue", "label": 1},
        {"id": ID, "metric": "revenue", "value": 1, "label": 1},
        {"id": ID, "metric": "revenue", "value": 1, "label_version": 2},
        {"id": ID, "metric": "revenue", "value": "1"},
        {"id": ID, "metric": "revenue", "value": True},
        {"id": ID, "metric": "revenue", "value": 10**400},
        {"id": ID, "metric": "revenue", "value": -1e200},
        {"id": ID, "metric": "Revenue (EUR)", "value": 1},
        {"id": ID, "metric": "right", "value": 1},
        {"id": ID, "metric": "m" * 64, "value": 1},
        {"metric": "revenue", "value": 1},
        {"key": "ann", "metric": "revenue", "value": 1},
        {"key": "ann", "endpoint": "Shop", "metric": "revenue", "value": 1},
        {"key": "ann", "endpoint": "elsewhere", "metric": "revenue", "value": 1},
        {"key": " ", "endpoint": "shop", "metric": "revenue", "value": 1},
        {"key": "x" * 5_000, "endpoint": "shop", "metric": "revenue", "value": 1},
        {"key": ["ann"], "endpoint": "shop", "metric": "revenue", "value": 1},
        {"key": "ann", "endpoint": "shop", "label": 1},
        {"key": "ann", "id": ID, "endpoint": "shop", "metric": "revenue", "value": 1},
        {"id": ID, "endpoint": "shop", "label": 1},
        {"id": ID, "time": 1_700_000_000, "label": 1},
        {"id": ID, "key": "ann", "endpoint": "shop", "time": 1_700_000_000, "label": 1},
        {"key": "ann", "time": 1_700_000_000, "label": 1},
        {"key": "ann", "endpoint": "shop", "time": "yesterday", "label": 1},
        {"key": "ann", "endpoint": "shop", "time": -1, "label": 1},
        {"key": "ann", "endpoint": "shop", "time": 1_700_000_000},
        {"key": "ann", "endpoint": "shop", "time": 1_700_000_000, "metric": "revenue", "value": 1},
        7,
    ],
)
def test_one_wrong_entry_refuses_all_and_is_named(entry):
    with pytest.raises(errors.OutcomeInvalid, match=r"outcomes\[1\]"):
        outcomes.parse(body({"id": ID, "label": 1}, entry), {"shop"})


def test_a_metric_has_a_name_and_a_value_and_is_no_ground_truth():
    (one,) = outcomes.parse(body({"id": f"{ID}/2", "metric": "revenue", "value": -3}))
    assert one == outcomes.Outcome(ids.parse(ID), 2, -3.0, 1, "revenue")


def test_a_value_for_a_key_has_the_keys_hash_and_an_id_of_its_own():
    entry = {"endpoint": "shop", "metric": "revenue", "value": 3.2}
    found = outcomes.parse(body(*({**entry, "key": key} for key in ("ann", " ann ", 7, 7.0, "7"))), {"shop"})
    assert [one.key_hash for one in found] == [assignment.digest(key) for key in (b"ann", b"ann", b"7", b"7", b"7")]
    assert {(one.endpoint, one.metric, one.label, one.row) for one in found} == {("shop", "revenue", 3.2, 0)}
    assert len({one.id for one in found}) == 5
    assert all(ids.parse(ids.text(one.id)) == one.id for one in found)


def test_ground_truth_for_a_key_says_when():
    entry = {"key": "ann", "endpoint": "shop", "label": "late", "label_version": 2}
    times = (1_700_000_000, 1_700_000_000.5, 1_700_000_000_000, "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00")
    found = outcomes.parse(body(*({**entry, "time": at} for at in times)), {"shop"})
    assert {(one.label, one.label_version, one.metric, one.is_matched) for one in found} == {("late", 2, "", True)}
    assert [one.at_ns - 1_700_000_000 * 10**9 for one in found] == [0, 5 * 10**8, 0, 0, 0]


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"outcomes": 3}', b"3"])
def test_another_form_is_refused(raw):
    with pytest.raises(errors.OutcomeInvalid):
        outcomes.parse(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"outcomes": [', b"\xff\xfe", b'{"\xff": 1}', b'{"outcomes": [{"id": "\xff"}]}', b"[" * 10_000]
)
def test_what_is_not_json_is_refused(raw):
    with pytest.raises((errors.BodyMalformed, errors.OutcomeInvalid)):
        outcomes.parse(raw)


def test_a_client_may_shorten_its_time_but_not_lengthen_it():
    assert admission.timeout({b"tidegate-timeout-ms": b"250"}, 2.0) == 0.25
    assert admission.timeout({b"tidegate-timeout-ms": b"99999"}, 2.0) == 2.0
    assert admission.timeout({}, 2.0) == 2.0
    for wrong in (b"0", b"-1", b"1.5", b"", b"1e3", b"9" * 40):
        with pytest.raises(errors.HeaderInvalid):
            admission.timeout({b"tidegate-timeout-ms": wrong}, 2.0)


def test_request_ids_are_visible_ascii_of_128_characters_at_most():
    admission.check({b"x-request-id": b"a" * 128})
    for wrong in (b"a" * 129, b"a b", b"\xe9", b"a\x7f"):
        with pytest.raises(errors.HeaderInvalid):
            admission.check({b"x-request-id": wrong})
