"""Traffic that is made comes from clients, where an endpoint's requests stick."""

import json

import msgspec
import pytest

from tidegate.core.vocabulary import assignment, errors, home, tables
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


def route(place: home.Home, by: assignment.Sticky, generation: int) -> None:
    one = tables.Route("delay", "production", tables.Deployed(1, "d" * 64, "m"), sticky=by)
    written = place.table.with_suffix(".new")
    written.write_bytes(msgspec.json.encode(tables.Table(generation, generation - 1, {"delay": one})))
    written.rename(place.table)


def test_who_asks_is_read_again_when_it_changes(tmp_path):
    place, made = home.Home(tmp_path), []
    route(place, FIELD, 1)

    def make(by):
        made.append(by)
        return clients.of_column(ROWS, by, "user", frozenset()) if by == COOKIE else clients.asked(ROWS, by, 2)

    wanted = clients.Asking(place, "delay", make)
    first = wanted()
    assert first is wanted()
    route(place, FIELD, 2)
    assert wanted() is first, "the table has changed, and not what requests stick by"
    route(place, HEADER, 3)
    second = wanted()
    assert second is wanted()
    assert {one.headers for one in second} == {"x-user: client-0\r\n", "x-user: client-1\r\n"}
    route(place, COOKIE, 4)
    assert {one.headers for one in wanted()} == {"cookie: x-user=u0\r\n", "cookie: x-user=u1\r\n"}
    assert made == [FIELD, HEADER, COOKIE]


def test_what_cannot_be_sent_by_another_header_goes_on_as_before(tmp_path):
    place = home.Home(tmp_path)
    route(place, HEADER, 1)
    wanted = clients.Asking(place, "delay", lambda by: clients.of_column(ROWS, by, "user", frozenset()))
    first = wanted()
    route(place, FIELD, 2)
    assert wanted() is first
