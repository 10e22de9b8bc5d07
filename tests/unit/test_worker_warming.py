"""Warming up on recorded requests: what is answered, what is refused, and when a version has failed."""

import json

import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import signature
from tidegate.dataplane.wire import frames, samples
from tidegate.dataplane.worker import warming

C = manifests.Column
SIGNATURE = manifests.Signature("tensor", (C("input", "FP64", shape=(-1, 2)),), (C("score", "double"),))


class Fussy:
    """Sums rows of two; raises on a row with 666, gives up on 444, answers no number on 777. Keeps the sizes it was asked for."""

    def __init__(self):
        self.codec = signature.Codec(manifests.Manifest("m", "sklearn", "m", SIGNATURE, ()))
        self.sizes = []

    def predict(self, batch):
        self.sizes.append(batch.rows)
        values = batch.inputs["input"]
        if 666 in values:
            raise ValueError("no such carrier: 666")
        if 444 in values:
            raise SystemExit("enough")
        score = float("nan") if 777 in values else values[0]
        return {"score": [score] * batch.rows}


def sample(*row: float, content: int = frames.Content.RECORDS) -> samples.Sample:
    return samples.Sample(content, json.dumps({"records": [list(row)]}).encode())


def test_each_is_asked_alone_then_in_batches_of_growing_sizes():
    model = Fussy()
    tally = warming.warm(model, [sample(n, 1) for n in range(3)], new=True)
    assert (tally.answered, tally.failed, tally.refused) == (3, 0, 0)
    assert model.sizes == [1, 1, 1, 2, 4, 8, 16, 32, 64]


def test_what_does_not_fit_the_signature_is_no_failure():
    broken = samples.Sample(int(frames.Content.INFER), b'{"inputs": []}tensor bytes')
    tally = warming.warm(Fussy(), [sample(1, 2, 3), broken, samples.Sample(99, b"x"), sample(1, 2)], new=True)
    assert (tally.answered, tally.failed, tally.refused) == (1, 0, 3)


@pytest.mark.parametrize("bad", [666, 444, 777])
def test_a_new_version_that_fails_on_most_has_failed_its_warm_up(bad):
    recorded = [sample(bad, n) for n in range(4)] + [sample(1, n) for n in range(3)]
    with pytest.raises(errors.WarmupFailed, match="failed on 4 of 7 requests that this endpoint has answered lately"):
        warming.warm(Fussy(), recorded, new=True)
    assert warming.warm(Fussy(), recorded, new=False).failed == 4


def test_a_few_failures_prove_nothing():
    recorded = [sample(666, n) for n in range(3)]
    assert warming.warm(Fussy(), recorded, new=True).last == "ValueError: no such carrier: 666"
    recorded = [sample(666, n) for n in range(5)] + [sample(1, n) for n in range(5)]
    assert warming.warm(Fussy(), recorded, new=True).failed == 5


def test_its_time_is_bounded():
    model = Fussy()
    assert warming.warm(model, [sample(n, 1) for n in range(64)], new=True, seconds=-1).answered == 0
    assert model.sizes == []


def test_kept_samples_come_back_and_a_damaged_file_is_none(tmp_path):
    kept = (sample(1, 2), samples.Sample(int(frames.Content.GRPC), b"\x00\xff"))
    samples.write(tmp_path / "warm", "flights", kept)
    assert samples.read(tmp_path / "warm", "flights") == kept
    assert samples.path(tmp_path / "warm", "flights").stat().st_mode & 0o077 == 0
    samples.path(tmp_path / "warm", "flights").write_bytes(b"\x00damage")
    assert samples.read(tmp_path / "warm", "flights") == ()
    assert samples.read(tmp_path / "warm", "another") == ()
