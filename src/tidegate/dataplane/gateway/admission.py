"""What a request's headers may say. Checked before anything is drawn, so what is refused here counts nowhere."""

import hashlib
import hmac
from collections.abc import Mapping

from tidegate.core.vocabulary import errors, ids

READ = frozenset(
    {
        b"accept-encoding",
        b"access-control-request-method",
        b"authorization",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"inference-header-content-length",
        b"origin",
        b"tidegate-timeout-ms",
        b"upgrade",
        b"x-request-id",
    }
)
"""Headers that matter here, by lower-case name. All others are read over."""
_DIGITS = 9


def check(fields: Mapping[bytes, bytes], tokens: frozenset[str]) -> None:
    """Raises HeaderInvalid, TokenMissing.

    `tokens`: sha256 of those that may predict; empty: none is asked for.
    """
    if not ids.is_request_id(fields.get(b"x-request-id", b"").decode("latin-1")):
        raise errors.HeaderInvalid
    if tokens and not _known(fields.get(b"authorization", b""), tokens):
        raise errors.TokenMissing("This endpoint needs a token: Authorization: Bearer ...")


def timeout(fields: Mapping[bytes, bytes], most: float) -> float:
    """Seconds a request has: the endpoint's limit, or less where the client says so. Raises HeaderInvalid."""
    given = fields.get(b"tidegate-timeout-ms")
    if given is None:
        return most
    if not given.isdigit() or len(given) > _DIGITS or not int(given):
        raise errors.HeaderInvalid("tidegate-timeout-ms is a whole number of milliseconds, 1 or more.")
    return min(most, int(given) / 1000)


def _known(authorization: bytes, tokens: frozenset[str]) -> bool:
    scheme, _, token = authorization.partition(b" ")
    digest = hashlib.sha256(token.strip()).hexdigest()
    return scheme.lower() == b"bearer" and any(hmac.compare_digest(digest, known) for known in tokens)
