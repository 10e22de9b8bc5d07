"""Models that foreign clients ask, as plain Python classes. This file becomes part of a bundle."""

import math
import time

import numpy as np


class Echo:
    def predict(self, batch):
        return dict(batch)


class Matrix:
    def predict(self, batch):
        rows = batch["x"]
        if (rows == 333).any():
            time.sleep(0.3)
        if (rows == 666).any():
            raise ValueError("666 is no number of ours")
        there = np.nan_to_num(rows)
        return {"total": there.sum(axis=1, dtype="float64"), "scaled": there / 2}


class Fare:
    def predict(self, batch):
        kinds = {"night": 5.0, "day": 1.0, None: 0.25}
        columns = zip(batch["distance"], batch["stops"], batch["kind"], strict=True)
        return [2.5 * _there(distance) + stops + kinds.get(kind, 3.0) for distance, stops, kind in columns]


def _there(number):
    """A missing number is 0."""
    return 0.0 if math.isnan(number) else number
