"""Rates and daily limits: what may be had, what is owed, and how long to wait, by a clock of our own."""

import pytest

from tidegate.core.vocabulary import errors, tables, tokens
from tidegate.dataplane.gateway import quota, tallies

NOON = 20_000 * quota.DAY + quota.DAY / 2
SHOP = tokens.Token("shop", "a" * 64, ("predict",))


class Clock:
    """Quotas with counts in memory, asked at times of our own."""

    def __init__(self, gateways=1, **limits):
        self.rows = {}
        self.quotas = quota.Quotas(lambda key: self.rows.get(key, 0), self._use)
        self.quotas.gateways = gateways
        self.limits = tables.Limits(**limits)

    def _use(self, key, rows):
        self.rows[key] = self.rows.get(key, 0) + rows

    def ask(self, now, holder=None, endpoint="flights", unix=NOON):
        return self.quotas.admit(quota.allowance(self.limits, endpoint, holder), now, unix)

    def refused(self, now, **more):
        with pytest.raises(errors.RateExceeded) as raised:
            self.ask(now, **more)
        return raised.value.wait


def test_a_rate_allows_a_second_worth_at_once_and_then_one_as_it_fills():
    clock = Clock(rate=4.0)
    for _ in range(4):
        clock.ask(10.0)
    assert clock.refused(10.0) == pytest.approx(0.25)
    clock.ask(10.25)
    assert clock.refused(10.3) == pytest.approx(0.2)
    assert clock.refused(10.3) == pytest.approx(0.2), "a refusal costs nothing"
    for _ in range(4):
        clock.ask(99.0)
    assert clock.refused(99.0) > 0, "what was not used is not saved up"


def test_a_rate_below_one_a_second_still_allows_one_request():
    clock = Clock(rate=0.1)
    clock.ask(0.0)
    assert clock.refused(1.0) == pytest.approx(9.0)
    clock.ask(10.0)


def test_rows_beyond_the_first_are_owed_and_waited_for():
    clock = Clock(rate=10.0, daily=10_000)
    clock.ask(0.0).more(1_000)
    assert clock.rows == {("flights", ""): 1_001}
    assert clock.refused(0.0) == pytest.approx((1_001 - 10 + 1) / 10)
    clock.ask(99.3)


def test_gateways_share_the_rate():
    clock = Clock(gateways=4, rate=8.0)
    clock.ask(0.0)
    clock.ask(0.0)
    assert clock.refused(0.0) == pytest.approx(0.5)


def test_a_days_rows_run_out_until_midnight_utc():
    clock = Clock(daily=2)
    clock.ask(0.0)
    clock.ask(0.0)
    assert clock.refused(0.0, unix=NOON) == quota.DAY / 2
    assert clock.refused(0.0, unix=NOON + 40_000) == quota.DAY / 2 - 40_000
    assert "2 predictions of this day" in str(quota.refusal("The 2 predictions of this day", 1.5))


def test_each_token_has_the_endpoints_limit_to_itself():
    clock = Clock(rate=1.0)
    other = tokens.Token("other", "b" * 64, ("predict",))
    clock.ask(0.0, SHOP)
    clock.ask(0.0, other)
    clock.ask(0.0, SHOP, endpoint="delays")
    assert clock.refused(0.0, holder=SHOP) == pytest.approx(1.0)


def test_a_tokens_own_limit_wins_and_holds_over_all_its_endpoints():
    clock = Clock(rate=1_000.0)
    slow = tokens.Token("slow", "c" * 64, ("predict",), rate=1.0, daily=3)
    clock.ask(0.0, slow)
    assert clock.refused(0.0, holder=slow, endpoint="delays") == pytest.approx(1.0)
    clock.ask(1.0, slow)
    clock.ask(2.0, slow, endpoint="delays")
    assert clock.refused(9.0, holder=slow) == quota.DAY / 2


def test_what_was_used_today_outlives_its_gateway_and_is_seen_by_the_others(tmp_path):
    key, other = ("flights", "shop"), ("", "slow")
    first = tallies.Tallies(tmp_path / "quotas", "gateway-0", NOON)
    first.use(key, 7)
    first.settle(NOON)
    second = tallies.Tallies(tmp_path / "quotas", "gateway-1", NOON)
    assert second.used(key) == 7
    second.use(key, 3)
    second.use(other, 1)
    second.settle(NOON)
    first.settle(NOON)
    assert (first.used(key), first.used(other)) == (10, 1)
    again = tallies.Tallies(tmp_path / "quotas", "gateway-0", NOON)
    assert again.used(key) == 10
    again.settle(NOON + quota.DAY)
    assert again.used(key) == 0
    assert tallies.Tallies(tmp_path / "quotas", "gateway-0", NOON + quota.DAY).used(key) == 0


def test_a_damaged_file_counts_as_empty(tmp_path):
    folder = tmp_path / "quotas"
    folder.mkdir()
    (folder / "gateway-0.json").write_bytes(b'{"day": ')
    (folder / "gateway-1.json").write_bytes(b'{"day": 20000, "rows": {"flights shop": "many"}}')
    assert tallies.Tallies(folder, "gateway-0", NOON).used(("flights", "shop")) == 0
