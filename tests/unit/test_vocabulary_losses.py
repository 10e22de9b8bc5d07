"""The fixed buckets of losses."""

import math

import msgspec
import pytest

from tidegate.core.vocabulary import losses, sums


@pytest.mark.parametrize(
    ("loss", "bucket"),
    [
        (1.0, 0),
        (1.18, 0),
        (1.2, 1),
        (2.0, 4),
        (0.99, -1),
        (0.5, -4),
        (0.0, losses.LEAST),
        (1e-300, losses.LEAST),
        (5e-324, losses.LEAST),
        (1e300, losses.MOST),
        (math.inf, losses.MOST),
        (math.nan, losses.MOST),
    ],
)
def test_a_loss_is_in_the_bucket_of_four_times_its_logarithm(loss: float, bucket: int) -> None:
    assert losses.bucket(loss) == bucket


def test_edges_enclose_what_is_in_their_bucket_and_are_a_fixed_ratio_apart() -> None:
    for number in range(losses.LEAST + 1, losses.MOST):
        below, above = losses.edge(number - 1), losses.edge(number)
        assert above / below == pytest.approx(2**0.25)
        assert losses.bucket(math.sqrt(below * above)) == number
        assert losses.bucket(below * 1.000_001) == losses.bucket(above * 0.999_999) == number
    assert losses.edge(losses.MOST) == math.inf
    assert losses.bucket(losses.edge(losses.MOST - 1) * 1.000_001) == losses.MOST
    assert losses.bucket(losses.edge(losses.LEAST) * 0.999_999) == losses.LEAST


def test_label_sums_written_before_there_were_losses_have_none() -> None:
    old = {name: 0 for name in sums.LabelSum.__struct_fields__ if not name.endswith("_loss")}
    read = msgspec.json.decode(msgspec.json.encode(old | {"evidence": True}), type=sums.LabelSum)
    assert (read.stable_loss, read.candidate_loss) == ((), ())


def test_label_sums_without_losses_are_no_longer_than_they_were() -> None:
    assert b"loss" not in msgspec.json.encode(sums.LabelSum(5, 500, True, 7, 2, 1, 2, 1, 1, 0, 60))


def test_losses_are_read_as_they_were_written() -> None:
    one = sums.LabelSum(5, 500, True, 7, 2, 1, 2, 1, 1, 0, 60, ((-3, 1), (400, 1)), ((0, 1),))
    assert msgspec.json.decode(msgspec.json.encode(one), type=sums.LabelSum) == one


@pytest.mark.parametrize("loss", [1e-12, 0.003, 0.09, 0.2499, 0.25, 0.2501, 0.81, 0.93, 0.999])
def test_the_degree_of_a_loss_is_the_loss_on_average(loss: float) -> None:
    chances = [(at + 0.5) / 4_096 for at in range(4_096)]
    found = [losses.degree(losses.fair(loss, chance)) for chance in chances]
    assert sum(found) / len(found) == pytest.approx(loss, rel=1e-3)
    assert len(set(found)) <= 2


def test_the_ends_of_a_score_are_what_they_are() -> None:
    for chance in (0.0, 0.999):
        assert losses.degree(losses.fair(0.0, chance)) == 0.0
        assert losses.degree(losses.fair(1.0, chance)) == losses.degree(losses.fair(1.7, chance)) == 1.0
        assert losses.degree(losses.fair(math.inf, chance)) == 1.0
