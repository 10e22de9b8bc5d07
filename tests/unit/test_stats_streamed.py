"""Columns counted a piece at a time: as exact as all at once, in memory that does not grow."""

import msgspec
import numpy as np
import pytest

from tidegate.core.stats import counting, streamed
from tidegate.core.vocabulary import profiles

RNG = np.random.default_rng(13)
ROWS = 60_000
LAWS = {
    "normal": RNG.normal(size=ROWS),
    "whole": RNG.integers(0, 90, ROWS).astype(float),
    "rare": (RNG.random(ROWS) < 0.002).astype(float),
    "constant": np.full(ROWS, 3.0),
    "heavy": np.append(RNG.pareto(0.4, ROWS - 1), 1e308),
    "missing": np.where(RNG.random(ROWS) < 0.9, np.nan, RNG.normal(size=ROWS)),
}


def streaming(values, step=37):
    sample = values[::step]
    found = streamed.Numbers(sample[np.isfinite(sample)])
    for piece in np.array_split(values, 17):
        found.add(piece)
    return msgspec.json.decode(msgspec.json.encode(found.known()), type=profiles.Known)


@pytest.mark.parametrize("law", LAWS)
def test_in_the_frame_that_it_teaches_every_count_is_exact(law):
    known = streaming(LAWS[law])
    frame = counting.taught("x", known)
    exact, kept = counting.counted(frame, LAWS[law].tolist()), counting.refitted(frame, known)
    assert (kept.counts, kept.nulls, kept.broken) == (exact.counts, exact.nulls, exact.broken)
    assert (kept.least, kept.most) == (exact.least, exact.most)


@pytest.mark.parametrize("law", LAWS)
def test_in_another_frame_it_is_off_by_less_than_a_hundredth(law):
    known = streaming(LAWS[law])
    frame = counting.framed("x", LAWS[law][: ROWS // 3].tolist())
    exact, kept = counting.counted(frame, LAWS[law].tolist()), counting.refitted(frame, known)
    gaps = np.cumsum(exact.counts) - np.cumsum(kept.counts)
    assert np.abs(gaps).max() <= 0.01 * ROWS


def test_what_is_infinite_is_broken_and_a_sample_without_numbers_says_nothing():
    told = streamed.Numbers(np.zeros(0))
    told.add(np.array([np.nan, 1.0, np.inf]))
    assert told.known() == profiles.Known(2, 1, 1)


def test_the_commonest_words_of_the_sample_are_counted_and_the_rest_together():
    told = streamed.Words({f"w{at}": 300 - at for at in range(counting.WORDS + 50)})
    for _ in range(2):
        told.add({"w0": 50, "w1": 20, "w2": 5, "new": 40, "w249": 10}, 30)
    assert told.known() == profiles.Known(310, 60, 0, (), {"w0": 100, "w1": 40}, 110)  # w2 is too few to be called by name


@pytest.mark.parametrize("pieces", [[1], [999, 1, 5_000], [10_000] * 20, [7] * 3_000])
def test_a_sample_is_even_over_all_rows_and_bounded(pieces):
    draw, held, at = streamed.Sample(1_000), [], 0
    for size in pieces:
        held += [at + place for place in draw.places(size)]
        at += size
        if draw.full:
            held = [held[place] for place in draw.halved()]
        assert len(held) <= 2_000 + size
    assert draw.seen == at
    assert len(held) > min(at, 1_000) * 0.9
    assert len(set(np.diff(held))) <= 1
