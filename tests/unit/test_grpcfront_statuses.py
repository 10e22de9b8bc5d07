"""HTTP's words as gRPC's: statuses, metadata to headers, header lines to trailing metadata."""

import grpc
import pytest

from tidegate.core.vocabulary import codes
from tidegate.dataplane.grpcfront import statuses


def test_every_error_has_a_code_that_is_not_unknown():
    found = {one.status: statuses.code(one.status) for one in codes.tree()}
    assert found[404] is grpc.StatusCode.NOT_FOUND
    assert found[422] is grpc.StatusCode.INVALID_ARGUMENT
    assert found[500] is grpc.StatusCode.INTERNAL
    assert grpc.StatusCode.UNKNOWN not in found.values()
    assert grpc.StatusCode.OK not in found.values()


@pytest.mark.parametrize(
    ("asked", "remaining", "sent"),
    [
        (None, None, None),
        ("200", None, b"200"),
        (None, 1.5, b"1500"),
        ("200", 1.5, b"200"),
        ("9000", 1.5, b"1500"),
        ("soon", 1.5, b"soon"),
        (None, -1.0, b"1"),
        (None, 1e12, b"999999999"),
    ],
)
def test_the_shorter_time_counts(asked, remaining, sent):
    metadata = [] if asked is None else [("tidegate-timeout-ms", asked)]
    assert statuses.fields(metadata, remaining).get(b"tidegate-timeout-ms") == sent


def test_only_metadata_that_matters_becomes_headers():
    given = [("authorization", "Bearer x"), ("x-request-id", "é"), ("user-agent", "grpc"), ("some-bin", b"\xff")]
    assert statuses.fields(given, None) == {b"authorization": b"Bearer x", b"x-request-id": b"\xe9"}


def test_trailing_metadata_is_ours_and_visible_ascii():
    lines = b"content-type: application/json\r\ntidegate-flagged: p <= 3 \xc3\xa4\r\nretry-after: 2\r\nallow: GET\r\n"
    assert dict(statuses.trailing(lines)) == {"tidegate-flagged": "p <= 3 %C3%A4", "retry-after": "2"}


def test_a_body_that_is_no_error_is_one_without_words():
    assert statuses.failure(b"\xff").error
    assert statuses.failure(b'{"error": "no", "code": "c"}').code == "c"
