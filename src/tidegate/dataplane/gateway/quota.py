"""How much a token, or all clients together, may ask for: rows a second and rows a day. Arithmetic only: time is an argument.

A second's limit is a bucket that fills at the rate and holds one second's worth (one request at the least). A request takes
one row when it comes and the rest once its answer says how many rows it had: the bucket then owes them, and nothing more is
taken until it has filled up again. So a request of a thousand rows costs as much as a thousand of one. With several
gateways each has its share of the rate; a day's count is one for all (`tallies`).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from tidegate.core.vocabulary import errors, tables, tokens

DAY = 86_400
Key = tuple[str, str]
"""(endpoint, token): whose count it is. Token empty: all clients; endpoint empty: a token's own limit, over all endpoints."""


class Bucket:
    """Rows that may be had at once. `level` below 0 is owed."""

    __slots__ = ("at", "level")

    def __init__(self, rate: float, now: float) -> None:
        self.level, self.at = max(1.0, rate), now

    def wait(self, rate: float, now: float) -> float:
        """Fill up to `now` (any clock, seconds); seconds until a row may be had, 0.0 when one may be had now."""
        self.level = min(max(1.0, rate), self.level + rate * max(0.0, now - self.at))
        self.at = now
        return 0.0 if self.level >= 1.0 else (1.0 - self.level) / rate


class Allowance(NamedTuple):
    """The limits that hold for one request, and whose counts they are on."""

    rate: float
    rate_key: Key
    daily: int
    daily_key: Key


def allowance(limits: tables.Limits, endpoint: str, holder: tokens.Token | None) -> Allowance:
    """A token's own limits count over all its endpoints; where it has none, the endpoint's count for this token."""
    name = holder.name if holder else ""
    own_rate, own_daily = (holder.rate, holder.daily) if holder else (0.0, 0)
    return Allowance(
        own_rate or limits.rate,
        ("", name) if own_rate else (endpoint, name),
        own_daily or limits.daily,
        ("", name) if own_daily else (endpoint, name),
    )


class Meter:
    """One request that was let in: its further rows are put on the same counts."""

    __slots__ = ("_allowance", "_quotas")

    def __init__(self, quotas: "Quotas", allowed: Allowance) -> None:
        self._quotas, self._allowance = quotas, allowed

    def more(self, rows: int) -> None:
        """It had so many rows besides the first."""
        self._quotas.charge(self._allowance, rows)


class Quotas:
    """All counts of one gateway. They outlive changes of the table; there are as many as known tokens and endpoints."""

    def __init__(self, used: Callable[[Key], int], use: Callable[[Key, int], None]) -> None:
        """`used(key)` gives the rows of this UTC day over all gateways, `use(key, n)` adds to them."""
        self._used, self._use = used, use
        self._buckets: dict[Key, Bucket] = {}
        self.gateways = 1

    def admit(self, allowed: Allowance, now: float, unix: float) -> Meter:
        """Let one request in. `now` is any steady clock, `unix` the time of day. Raises RateExceeded with the true wait."""
        if allowed.daily and self._used(allowed.daily_key) >= allowed.daily:
            left = DAY - unix % DAY
            raise refusal(f"The {allowed.daily:,} predictions of this day (UTC) are used up.", left)
        if allowed.rate:
            rate = allowed.rate / max(1, self.gateways)
            bucket = self._buckets.get(allowed.rate_key)
            if bucket is None:
                bucket = self._buckets[allowed.rate_key] = Bucket(rate, now)
            wait = bucket.wait(rate, now)
            if wait:
                raise refusal(f"Over {allowed.rate:g} predictions a second.", wait)
        self.charge(allowed, 1)
        return Meter(self, allowed)

    def charge(self, allowed: Allowance, rows: int) -> None:
        """Put rows on the counts, whatever is left there."""
        if rows <= 0:
            return
        if allowed.rate and (bucket := self._buckets.get(allowed.rate_key)) is not None:
            bucket.level -= rows
        if allowed.daily:
            self._use(allowed.daily_key, rows)


def refusal(said: str, wait: float) -> errors.RateExceeded:
    """The error, with the whole seconds after which trying again makes sense."""
    error = errors.RateExceeded(said, cure=f"Try again in {math.ceil(wait)} s.")
    error.wait = wait
    return error
