"""What is written reads back as what it was, and no text makes the file's reader stumble."""

import hypothesis
from hypothesis import strategies as given

from tidegate.core.spec import file, units
from tidegate.core.vocabulary import errors


@hypothesis.given(given.integers(0, 366 * 86_400_000))
@hypothesis.settings(max_examples=50, deadline=None)
def test_a_duration_reads_back(milliseconds: int):
    assert round(units.duration(units.duration_text(milliseconds / 1_000)) * 1_000) == milliseconds


@hypothesis.given(given.integers(0, 1_000_000))
@hypothesis.settings(max_examples=50, deadline=None)
def test_a_share_reads_back(millionths: int):
    assert units.share(units.share_text(millionths / 1_000_000)) == millionths / 1_000_000


@hypothesis.given(given.integers(0, 1 << 40))
@hypothesis.settings(max_examples=50, deadline=None)
def test_a_size_reads_back(number: int):
    assert units.size(units.size_text(number)) == number


@hypothesis.given(given.text(alphabet=given.sampled_from("endpoint: model\n-[]{}&*!|>'\"%@`#?,\t0123456789.~")))
@hypothesis.settings(max_examples=100, deadline=None)
def test_any_text_is_either_a_file_or_an_error_with_its_line(text: str):
    try:
        file.resolve(file.load(text, "f"))
    except errors.SpecError as said:
        where = said.where
    else:
        where = "f:"
    assert where.startswith("f:")
