"""What releases of a version against itself come to."""

import math

import pytest

from tidegate.interface.cli import itself


def drill(outcome: str = "rehearsed", e: float = 1.5, failed: int = 0) -> dict:
    evidence = [{"group": "immediate", "e_value": e}, {"group": "feed", "e_value": 900.0}]
    verdict = {"evidence": evidence} if outcome != "failed" else None
    traffic = {"answered": 100, "failed": failed}
    return {"endpoint": "delay", "outcome": outcome, "reason": "it fails.", "traffic": traffic, "verdict": verdict}


@pytest.mark.parametrize(("back", "well"), [(0, True), (1, True), (3, False)])
def test_more_that_went_back_than_chance_allows_is_not_well(back: int, well: bool):
    chance = 1 - sum(math.comb(20, fewer) * 0.01**fewer * 0.99 ** (20 - fewer) for fewer in range(back))
    found = itself.counted([drill("rolled_back", 120.0)] * back + [drill()] * (20 - back), 0.01)
    assert (found["rolled_back"], found["drills"], found["well"], found["requests"]) == (back, 20, well, 2_000)
    assert found["chance"] == pytest.approx(chance)
    assert f"of 20 releases of its version against itself {back} were sent back" in itself.said(found)
    assert ("So many by chance alone" in itself.said(found)) == (back > 0)


def test_what_failed_or_did_not_end_is_not_well_and_said():
    failed = itself.counted([drill(failed=2)], 0.01)
    assert (failed["well"], "2 requests failed" in itself.said(failed)) == (False, True)
    stuck = itself.counted([drill(), drill("failed")], 0.01)
    assert (stuck["well"], stuck["largest_e"], "1 did not come to their end" in itself.said(stuck)) == (False, 1.5, True)
