"""Values as canonical JSON."""

import math

import pytest

from tidegate.control.store import documents
from tidegate.core.vocabulary import verdicts


def test_equal_values_have_equal_bytes_whatever_their_order() -> None:
    assert documents.encode({"b": 1, "a": {"d": 2.5, "c": None}}) == documents.encode({"a": {"c": None, "d": 2.5}, "b": 1})


def test_an_infinite_bound_comes_back_infinite() -> None:
    evidence = verdicts.Evidence("errors", "immediate", 1.0, -math.inf, 4.6, interval=(0.5, math.inf))
    assert documents.decode(documents.encode(evidence), verdicts.Evidence) == evidence


@pytest.mark.parametrize("text", ["inf", "nan", "-inf", "Infinity"])
def test_a_text_that_reads_like_a_number_stays_a_text(text: str) -> None:
    verdict = verdicts.Verdict(verdicts.Result.UNSURE, text)
    assert documents.decode(documents.encode(verdict), verdicts.Verdict) == verdict
