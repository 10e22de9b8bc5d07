"""Outcomes are taken whole or not at all, and the entry that is wrong is named."""

import json

import pytest

from tidegate.core.vocabulary import errors, ids
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
        7,
    ],
)
def test_one_wrong_entry_refuses_all_and_is_named(entry):
    with pytest.raises(errors.OutcomeInvalid, match=r"outcomes\[1\]"):
        outcomes.parse(body({"id": ID, "label": 1}, entry))


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
