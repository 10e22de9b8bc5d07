"""What is encrypted comes back with its key in its place, whatever it was, and from nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import ciphers

KEY, OTHER = ciphers.Key(b"k" * 32), ciphers.Key(b"o" * 32)
IDS = st.binary(min_size=16, max_size=16)


@given(st.binary(max_size=2_000), IDS, st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_it_comes_back(data: bytes, record: bytes, column: str) -> None:
    told = KEY.encrypt(record, column, data)
    assert told.startswith(f"{ciphers.PREFIX}{KEY.id}:")
    assert ciphers.Ring([OTHER, KEY]).decrypt(record, column, told) == data
    assert KEY.encrypt(record, column, data) != told, "the same value never looks the same"
    assert ciphers.Ring([]).decrypt(record, column, told) is None
    with pytest.raises(errors.LogKeyWrong, match=KEY.id):
        ciphers.Ring([OTHER]).decrypt(record, column, told)


@given(st.binary(min_size=1, max_size=50), IDS, IDS, st.integers(0, 200), st.text(max_size=5))
@settings(max_examples=60, deadline=None)
def test_it_opens_nowhere_else_and_not_after_a_change(data: bytes, record: bytes, other: bytes, at: int, more: str) -> None:
    told = KEY.encrypt(record, "a", data)
    place = len(told) - 2 - at % 20
    changed = told[:place] + ("A" if told[place] != "A" else "B") + told[place + 1 :]
    wrong = [(record, "b", told), (record, "a", changed), (record, "a", told[:-4]), (record, "a", f"{told}{more}!")]
    wrong += [(other, "a", told)] if other != record else []
    for identifier, column, text in wrong:
        if text == changed and place >= len(told.rstrip("=")) - 1:
            continue  # base64 has bits there that mean nothing
        with pytest.raises(errors.LogKeyWrong):
            KEY.decrypt(identifier, column, text)
