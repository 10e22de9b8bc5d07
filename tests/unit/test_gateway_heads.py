"""Request heads that are known need no parser."""

import pytest

from tidegate.dataplane.gateway import heads

HEAD = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


def head(**fields):
    return heads.Head(b"POST", b"/v2/models/m/infer", {name.encode(): b"1" for name in fields}, 2)


def test_a_head_is_known_again_by_its_bytes():
    known = heads.Heads()
    known.add(HEAD + b"{}", head())
    assert known.get(HEAD) == head()
    assert known.get(HEAD.replace(b"Host", b"host")) is None


@pytest.mark.parametrize("name", ["expect", "upgrade", "connection", "x-request-id"])
def test_a_head_that_says_how_the_connection_goes_on_is_not_remembered(name):
    known = heads.Heads()
    known.add(HEAD + b"{}", heads.Head(b"POST", b"/", {name.encode(): b"1"}, 2))
    assert known.get(HEAD) is None


def test_a_chunked_request_is_not_remembered():
    known = heads.Heads()
    known.add(HEAD + b"2\r\n{}\r\n0\r\n\r\nX", heads.Head(b"POST", b"/", {}, 2))
    assert known.get(HEAD) is None


def test_memory_is_bounded():
    known = heads.Heads()
    for number in range(heads.MOST + 1):
        known.add(b"GET /%d HTTP/1.1\r\n\r\n" % number, heads.Head(b"GET", b"/%d" % number, {}, 0))
    assert known.get(b"GET /%d HTTP/1.1\r\n\r\n" % heads.MOST) is not None
    assert known.get(b"GET /0 HTTP/1.1\r\n\r\n") is None


def test_when_another_header_matters_what_was_read_without_it_is_forgotten():
    known = heads.Heads()
    known.add(HEAD + b"{}", head())
    known.read(frozenset())
    assert known.get(HEAD) is not None
    before = known.reads
    known.read(frozenset({b"x-user"}))
    assert known.get(HEAD) is None
    assert known.reads == before | {b"x-user"}
    known.add(HEAD + b"{}", head())
    known.read(frozenset({b"x-user"}))
    assert known.get(HEAD) is not None
