"""Ids are UUIDv7 of their time, sorted by it, and never the same."""

from tidegate.core.vocabulary import ids
from tidegate.dataplane.gateway import mint

MS = 1_700_000_000_123


def test_ids_are_uuid7_of_their_time_and_unique():
    minting = mint.Mint()
    found = [minting.one((MS + number // 4) * 1_000_000 + 999_999) for number in range(3 * mint.AT_ONCE)]
    assert len(set(found)) == len(found)
    for number, one in enumerate(found):
        assert ids.parse(ids.text(one)) == one
        assert ids.milliseconds(one) == MS + number // 4


def test_all_74_bits_of_chance_vary():
    minting = mint.Mint()
    union = none = int.from_bytes(minting.one(0), "big")
    for _ in range(200):
        one = int.from_bytes(minting.one(0), "big")
        union, none = union | one, none & one
    assert (union & ~none).bit_count() == 74
