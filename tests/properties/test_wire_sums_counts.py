"""Whatever happens in whatever order: opened = closed + pending, and nothing is counted twice."""

import pathlib
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import marks, tables
from tidegate.dataplane.wire import sumrows, sums

BEGIN = 1_700_000_000
ROUTES = [tables.Route("e", "p", tables.Deployed(1, "d", "m"), release=f"r{number}", generation=number) for number in range(2)]
STEP = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.just("close"), st.integers(0, 50), st.sampled_from(marks.Mark)),
    st.tuples(st.just("wait"), st.integers(0, 90), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=60))
def test_opened_is_closed_plus_pending_and_a_second_count_agrees(steps):
    with tempfile.TemporaryDirectory() as folder:
        boot = sums.Writer(pathlib.Path(folder) / "b.sums", "b" * 32, BEGIN)
        now, pending, opened, closed = float(BEGIN), [], 0, [0] * marks.SLOTS
        for what, first, second in steps:
            if what == "open":
                pending.append((boot.lane(ROUTES[first], second).opened(), boot.tick))
                opened += 1
            elif what == "close" and pending:
                cell, _ = pending.pop(first % len(pending))
                cell.closed(second, 7, 1, rescued=second != marks.Mark.OK)
                closed[second] += 1
            elif what == "wait":
                now += first
                for _ in range(4):
                    boot.beat(now)
            read = sums.read(boot.path)
            assert sum(row.values[sumrows.OPENED] for row in read.rows) == opened
            assert sum(row.pending for row in read.rows) == len(pending) == boot.pending
            merged = sums.merge([read], ())
            counts = [side for found in merged.values() for one in found for side in (one.stable, one.candidate)]
            assert [sum(one.marks[mark] for one in counts) for mark in range(marks.SLOTS)] == closed
            assert all(tick >= read.oldest_pending for _, tick in pending)
            assert merged == sums.merge([sums.read(boot.path)], ())
