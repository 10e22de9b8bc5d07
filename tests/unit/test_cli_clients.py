"""Traffic that is made comes from clients, where an endpoint's requests stick."""

import json

import pytest

from tidegate.core.vocabulary import assignment, errors
from tidegate.interface.cli import clients, traffic

HEADER, COOKIE, FIELD = (assignment.Sticky(by, "x-user") for by in ("header", "cookie", "field"))
ROWS = [traffic.Body("/p", json.dumps({"records": [{"x": number, "user": f"u{number % 2}"}]}).encode()) for number in range(3)]


@pytest.mark.parametrize("count", [2, 7])
def test_made_up_clients_ask_in_turn_and_every_row_comes(count):
    found = clients.asked(ROWS, HEADER, count)
    assert {one.headers for one in found} == {f"x-user: client-{number}\r\n" for number in range(count)}
    assert {one.raw for one in found} == {one.raw for one in ROWS}
    assert len(found) == max(3, count)


def test_a_cookie_is_sent_as_one():
    assert clients.asked(ROWS, COOKIE, 1)[0].headers == "cookie: x-user=client-0\r\n"


@pytest.mark.parametrize("by", [None, FIELD])
def test_without_a_header_or_cookie_nothing_is_added(by):
    assert clients.asked(ROWS, by) == ROWS
    with pytest.raises(errors.InputInvalid, match="no header to put user in"):
        clients.of_column(ROWS, by, "user", frozenset({"x"}))


def test_a_column_says_whose_a_request_is_and_is_sent_only_if_the_model_takes_it():
    apart = clients.of_column(ROWS, HEADER, "user", frozenset({"x"}))
    assert [one.headers for one in apart] == ["x-user: u0\r\n", "x-user: u1\r\n", "x-user: u0\r\n"]
    assert json.loads(apart[0].raw) == {"records": [{"x": 0}]}
    assert clients.of_column(ROWS, HEADER, "user", frozenset({"x", "user"}))[0].raw == ROWS[0].raw
    assert clients.said(HEADER, apart) == "as 2 clients, each with its own header x-user"


@pytest.mark.parametrize("raw", [b"", b"[1]", b'{"records": [{"x": 1}]}', b'{"records": [{"user": "a\\r\\nb"}]}'])
def test_a_row_without_a_usable_key_is_refused(raw):
    with pytest.raises(errors.InputInvalid):
        clients.of_column([traffic.Body("/p", raw)], HEADER, "user", frozenset())
