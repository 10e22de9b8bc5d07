"""What three gateways count, and control reads late, twice and in any order, is what their logs hold; no verdict depends on it.

The gateways count in real files of sums; one of them is killed with requests in flight, and comes up again as another boot.
"""

import collections
import heapq

import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.control.loop import books
from tidegate.core.decide import judge
from tidegate.core.vocabulary import marks, sums, tables
from tidegate.dataplane.wire import sums as files

SECONDS, KILLED, RAMPED = 760, 400, 300
RELEASE = "r1"
ROUTES = [
    tables.Route(
        "flights", "production", tables.Deployed(1, "d", "m"), None, weight, release=RELEASE, evidence=True, generation=at
    )
    for weight, at in ((500, 4), (2_500, 5))
]


class Gateway:
    """One boot: its file, its clock, what is in flight, and its log: {(generation, weight, tick, arm): [opened, by mark]}."""

    def __init__(self, folder, name, behind):
        self.name, self.behind = name * 32, behind
        self.writer = files.Writer(folder / f"{self.name}.sums", self.name, traffic.START)
        self.log = collections.defaultdict(lambda: [0] * (1 + marks.SLOTS))
        self.flying = []

    def second(self, rng, now):
        """Serve one second: some requests arrive, those whose time is over end; the beat comes `behind` seconds late."""
        route = ROUTES[now >= traffic.START + RAMPED]
        for number in range(rng.poisson(4)):
            arm = int(rng.random() < route.weight / 10_000)
            cell = self.writer.lane(route, arm).opened()
            key = (route.generation, route.weight, self.writer.tick, arm)
            self.log[key][0] += 1
            heapq.heappush(self.flying, (now + rng.exponential(3.0), number, cell, key))
        while self.flying and self.flying[0][0] <= now:
            _, _, cell, key = heapq.heappop(self.flying)
            mark = int(rng.choice([marks.Mark.OK] * 18 + [marks.Mark.ERROR, marks.Mark.CANCELLED]))
            cell.closed(mark, 90, -1, rescued=False)
            self.log[key][1 + mark] += 1
        self.writer.beat(now + 1 - self.behind)

    def shipped(self):
        """(what a reader sees now, what the log holds now)."""
        return files.read(self.writer.path), {key: tuple(counts) for key, counts in self.log.items()}


def of_log(logs, dead=()):
    """The sums that logs come to, by minute: {(generation, weight, minute, arm): [opened, by mark]}."""
    found = collections.defaultdict(lambda: np.zeros(1 + marks.SLOTS, int))
    for name, log in logs.items():
        for (generation, weight, tick, arm), counts in log.items():
            here = found[generation, weight, tick // 60, arm]
            here += counts
            if name in dead:
                here[1 + marks.Mark.ERROR] += counts[0] - sum(counts[1:])
    return {key: counts.tolist() for key, counts in found.items()}


def of_sums(rows):
    found = {}
    for row in sums.folded(rows, 2**40):
        for arm, counts in enumerate((row.stable, row.candidate)):
            if counts.opened:
                found[row.generation, row.weight, row.tick // 60, arm] = [counts.opened, *counts.marks]
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """All that was shipped, by gateway, in the order of time; the gateways, dead one included; the folder of their files."""
    rng, folder = np.random.default_rng(171), tmp_path_factory.mktemp("sums")
    living = [Gateway(folder, "a", 0.0), Gateway(folder, "b", 1.2), Gateway(folder, "c", 0.4)]
    gateways, shipped = {each.name: each for each in living}, {each.name: [each.shipped()] for each in living}
    for second in range(SECONDS):
        if second == KILLED:
            killed = living.pop()
            assert killed.flying
            shipped[killed.name].append(killed.shipped())
            living.append(Gateway(folder, "d", 0.0))
            gateways[living[-1].name], shipped[living[-1].name] = living[-1], []
        for each in living:
            each.second(rng, traffic.START + second)
            if rng.random() < 0.05:
                shipped[each.name].append(each.shipped())
    for each in living:
        shipped[each.name].append(each.shipped())
    return shipped, gateways, folder


DEAD = {"c" * 32}


def test_whatever_has_arrived_of_each_gateway_is_counted_once(played):
    """15 times, some shipment of each, an old one of one beside a new one of another; repeated and in any order."""
    shipped, _, _ = played
    rng = np.random.default_rng(172)
    for _ in range(15):
        here = {name: each[int(rng.integers(len(each)))] for name, each in shipped.items()}
        boots = [boot for boot, _ in here.values()]
        dead = DEAD if here["c" * 32] is shipped["c" * 32][-1] else set()
        merged = files.merge(boots, dead)
        assert of_sums(merged.get(RELEASE, ())) == of_log({name: log for name, (_, log) in here.items()}, dead)
        rng.shuffle(boots)
        assert files.merge(boots, dead) == merged
        assert all(arm.opened == arm.closed + arm.pending for row in merged[RELEASE] for arm in (row.stable, row.candidate))
        closed = files.closed_before(boots, dead)
        assert not any(row.candidate.pending + row.stable.pending for row in merged[RELEASE] if row.tick + row.span <= closed)


def test_a_late_shipment_closes_nothing_that_will_still_change(played):
    """The closed prefix of any mixture of old and new shipments is that of the logs at the end, to the last request."""
    shipped, _, _ = played
    rng, compared = np.random.default_rng(173), 0
    whole = of_log({name: each[-1][1] for name, each in shipped.items()}, DEAD)
    for _ in range(20):
        boots = [each[int(rng.integers(len(each)))][0] if name not in DEAD else each[-1][0] for name, each in shipped.items()]
        closed = files.closed_before(boots, DEAD)
        told = of_sums([row for row in files.merge(boots, DEAD)[RELEASE] if row.tick + row.span <= closed])
        for key, counts in whole.items():
            if key[2] * 60 + 60 <= closed:
                assert told[key] == counts
                compared += 1
    assert compared >= 40


def test_control_and_the_log_come_to_the_same_verdict(played):
    """Read once at the end, by two readers, and made of the logs themselves."""
    shipped, gateways, folder = played
    logs = {name: each[-1][1] for name, each in shipped.items()}
    boots = [each[-1][0] for each in shipped.values()]
    reader = books.Books(folder)
    for _ in range(2):
        reader.look([RELEASE], gateways.keys() - DEAD)
    both = reader.of(RELEASE), files.merge(boots, DEAD)[RELEASE]
    assert of_sums(both[0]) == of_sums(both[1]) == of_log(logs, DEAD)
    assert reader.closed_before == files.closed_before(boots, DEAD)
    left = sum(counts[0] - sum(counts[1:]) for counts in logs["c" * 32].values())
    assert left == len(gateways["c" * 32].flying) > 0, "killed with requests in flight: errors of the arm drawn"
    found = [judge.judge(traffic.release(stage=1), sums.Inputs(each, reader.closed_before), 0.0) for each in both]
    assert found[0] == found[1]
