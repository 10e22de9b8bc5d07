"""What a replay comes to, in a word and a sentence."""

import pytest

from tidegate.control.batch import verdicts
from tidegate.core.vocabulary import sums

NAMES = ("v2", "v1")


def judged(disagreed: int, pairs: int, failed: int = 0, tolerance: float = 0.01) -> verdicts.Verdict:
    return verdicts.judge(sums.PairSum("", pairs, disagreed, failed), verdicts.Bounds(tolerance), NAMES)


@pytest.mark.parametrize(
    ("disagreed", "pairs", "tolerance", "result"),
    [
        (0, 2_000, 0.01, verdicts.WITHIN),
        (5, 2_000, 0.01, verdicts.WITHIN),
        (20, 2_000, 0.01, verdicts.UNDECIDED),
        (100, 2_000, 0.01, verdicts.BEYOND),
        (0, 50, 0.01, verdicts.UNDECIDED),
        (0, 0, 0.01, verdicts.UNDECIDED),
        (0, 50, 0.0, verdicts.WITHIN),
        (1, 50_000, 0.0, verdicts.BEYOND),
    ],
)
def test_the_share_is_held_against_the_tolerance(disagreed, pairs, tolerance, result):
    assert judged(disagreed, pairs, tolerance=tolerance).result == result


def test_the_sentences_say_how_many_how_sure_and_what_is_missing():
    assert judged(100, 2_000, 30).sentence == (
        "v2 differs from v1 on 100 of 2,000 requests (5 %, 95 % interval 3.38 % to 7.04 %), 30 of which it did not answer:"
        " beyond the tolerance of 1 %."
    )
    assert judged(0, 2_000).sentence.endswith(": within the tolerance of 1 %.")
    undecided = judged(0, 100)
    assert undecided.needs > 0
    assert f"about {undecided.needs:,} more would decide" in undecided.sentence
    assert "nothing to compare" in judged(0, 0).sentence


def test_slices_share_the_chance_of_a_false_word_among_them():
    def one(disagreed):
        return sums.PairSum("", 100, disagreed)

    alone = verdicts.worst({"a=1": one(8)}, verdicts.Bounds())
    many = verdicts.worst({"a=1": one(8), **{f"a={at}": one(0) for at in range(2, 1_000)}}, verdicts.Bounds())
    assert (alone, many) == (("a=1",), ())
    assert verdicts.worst({"a=1": one(12), "a=2": one(60), "a=3": one(0)}, verdicts.Bounds()) == ("a=2", "a=1")
