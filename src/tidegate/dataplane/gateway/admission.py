"""What a request's headers may say, and whom one gateway lets in: checked before anything is drawn, so what is refused here
counts for no arm; how often and why is counted in `Admission.refused`.
"""

import collections
import time
from collections.abc import Collection, Iterable, Mapping

from tidegate.core.vocabulary import errors, ids, tables, tokens
from tidegate.dataplane.gateway import holders, quota

PROBE = b"tidegate-probe"
"""Says that it is a request of the monitor's, where the token may operate the endpoint; a client's own means nothing."""
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
        PROBE,
        b"tidegate-timeout-ms",
        b"transfer-encoding",
        b"upgrade",
        b"x-request-id",
    }
)
"""Headers that matter whatever the table says, by lower-case name (`heads` has those that matter altogether)."""
_DIGITS = 9


def check(fields: Mapping[bytes, bytes]) -> None:
    """Raises HeaderInvalid."""
    if not ids.is_request_id(fields.get(b"x-request-id", b"").decode("latin-1")):
        raise errors.HeaderInvalid


def timeout(fields: Mapping[bytes, bytes], most: float) -> float:
    """Seconds a request has: the endpoint's limit, or less where the client says so. Raises HeaderInvalid."""
    given = fields.get(b"tidegate-timeout-ms")
    if given is None:
        return most
    if not given.isdigit() or len(given) > _DIGITS or not int(given):
        raise errors.HeaderInvalid("tidegate-timeout-ms is a whole number of milliseconds, 1 or more.")
    return min(most, int(given) / 1000)


class Admission:
    """Whom one gateway lets in: by token, and by how much that one, or all, have asked for. It outlives changes of the table."""

    def __init__(self, quotas: quota.Quotas | None = None) -> None:
        self.quotas = quotas or quota.Quotas(lambda _: 0, lambda _key, _rows: None)
        self.holders = holders.Holders()
        self.refused: collections.Counter[str] = collections.Counter()
        """Predictions that were refused or that nobody could answer, by the error's code."""

    def adopt(self, known: Iterable[tokens.Token], gateways: int) -> None:
        """Follow the table."""
        self.holders = holders.Holders(known)
        self.quotas.gateways = gateways

    def admit(self, route: tables.Route, admitted: Collection[str], fields: Mapping[bytes, bytes]) -> quota.Meter | None:
        """Let one prediction in; what to put its rows on, where they are limited. `admitted`: the route's tokens.

        Raises TokenMissing, ScopeMissing, RateExceeded.
        """
        holder = self.holders.predictor(fields.get(b"authorization", b""), admitted) if admitted else None
        allowed = quota.allowance(route.limits, route.endpoint, holder)
        if not allowed.rate and not allowed.daily:
            return None
        return self.quotas.admit(allowed, time.monotonic(), time.time())

    def count(self, error: errors.TidegateError) -> None:
        """One more that was not served."""
        self.refused[error.code] += 1
