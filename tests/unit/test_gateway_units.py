"""The sticky key of a request: from a header, a cookie or a field, the same in whatever form it was sent."""

import json
import re

import pytest

from tidegate.core.vocabulary import assignment, tables
from tidegate.dataplane.gateway import exchanges, units
from tidegate.dataplane.wire import frames

STABLE = tables.Deployed(1, "1" * 64, "m/1")


def exchange(body=b"", json_bytes=-1, **fields):
    made = exchanges.Exchange(None, {name.replace("_", "-").encode(): value for name, value in fields.items()})
    made.body, made.json_bytes = body, json_bytes
    return made


def key(by, name, given, content=int(frames.Content.RECORDS)):
    return units.Units(assignment.Sticky(by, name)).key(given, content)


def test_a_header_is_the_key():
    assert key("header", "x-user", exchange(x_user=b" u7 ")) == b"u7"
    assert key("header", "X-User", exchange(x_user=b"u7")) == b"u7"
    assert key("header", "x-user", exchange()) == key("header", "x-user", exchange(x_user=b"")) == b""


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"tide=u7", b"u7"),
        (b"a=1; tide=u7; b=2", b"u7"),
        (b'a=1;TIDE="u7"', b"u7"),
        (b"xtide=no; tide=u=7==", b"u=7=="),
        (b"tide=first; tide=second", b"first"),
        (b"tide", b""),
        (b"tide=", b""),
        (b";;; =x; tid=e", b""),
        (b"", b""),
    ],
)
def test_a_cookie_is_found_among_others(header, found):
    assert units.cookie(header, b"tide") == found


def test_an_absent_cookie_is_issued_with_the_answer_and_is_the_key_already():
    given = exchange(cookie=b"other=1")
    issued = key("cookie", "tide", given)
    line = re.fullmatch(rb"set-cookie: tide=([0-9a-f]{32}); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Lax\r\n", given.lines)
    assert line
    assert line[1] == issued
    assert int(line[2]) > 30 * 86_400
    assert key("cookie", "tide", exchange()) != issued
    again = exchange(cookie=b"tide=" + issued)
    assert key("cookie", "tide", again) == issued
    assert again.lines == b""


def test_no_cookie_is_issued_to_who_cannot_take_it_or_may_have_one_already():
    by_frame, half_read = exchange(), exchange()
    by_frame.takes_cookies, half_read.half_read = False, True
    for given in (by_frame, half_read):
        assert key("cookie", "tide", given) == b""
        assert given.lines == b""


V2 = {"inputs": [{"name": "user", "shape": [2], "datatype": "BYTES", "data": ["u7", "u8"]}]}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (frames.Content.RECORDS, {"records": [{"user": "u7"}, {"user": "u8"}]}),
        (frames.Content.RECORDS, {"user": "u7"}),
        (frames.Content.INFER, V2),
        (frames.Content.INVOCATIONS, {"dataframe_split": {"columns": ["x", "user"], "data": [[1, "u7"], [2, "u8"]]}}),
        (frames.Content.CSV, "x,user\n1,u7\n2,u8\n"),
    ],
)
def test_a_field_of_the_first_row_is_the_key_in_every_form(content, sent):
    body = sent.encode() if isinstance(sent, str) else json.dumps(sent).encode()
    assert key("field", "user", exchange(body), content) == b"u7"
    assert key("field", "other", exchange(body), content) == b""


def test_a_field_is_found_in_the_json_before_binary_tensors():
    head = json.dumps(V2).encode()
    assert key("field", "user", exchange(head + b"\x00\xff" * 9, len(head)), frames.Content.INFER) == b"u7"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (7, b"7"),
        (7.0, b"7"),
        ("7", b"7"),
        (" 7 ", b"7"),
        (7.5, b"7.5"),
        (True, b"true"),
        (None, b""),
        ([7], b""),
        ("ä", "ä".encode()),
    ],
)
def test_forms_that_write_a_value_differently_mean_one_key(value, found):
    assert key("field", "user", exchange(json.dumps({"user": value}).encode())) == found


def test_a_csv_keeps_the_zeros_of_its_keys():
    assert key("field", "user", exchange(b"user\n007\n"), frames.Content.CSV) == b"007"
    assert key("field", "user", exchange(b'{"user": "007"}')) == b"007"


@pytest.mark.parametrize("body", [b"", b"{", b"[5]", b"\xff\xfe", b"[" * 5_000])
def test_what_cannot_be_read_has_no_key(body):
    assert key("field", "user", exchange(body)) == b""


def test_a_long_key_is_drawn_by_its_hash():
    longest, longer = b"k" * 256, b"k" * 257
    assert units.drawn_by(longest) == longest
    assert units.drawn_by(longer) == assignment.digest(longer)
    assert assignment.hashed(longer) == assignment.digest(longer).hex()


def test_the_headers_to_be_read_are_those_that_some_route_draws_by():
    def route(**changes):
        return tables.Route("e", "production", STABLE, **changes)

    sticky, cohort = assignment.Sticky, assignment.Cohort
    assert units.headers(route()) == units.headers(route(sticky=sticky("field", "user"))) == frozenset()
    given = [
        route(sticky=sticky("header", "x-user"), cohort=cohort(header="x-beta")),
        route(sticky=sticky("cookie", "tide")),
        route(),
    ]
    assert units.all_headers(given) == {b"x-user", b"x-beta", b"cookie"}
