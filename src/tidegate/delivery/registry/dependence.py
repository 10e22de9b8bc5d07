"""How much a model's answers depend on each of its inputs: the column is shuffled over the rows, and the answers are compared.

No labels and no kind of model are needed: of numbers it is the mean distance of the answers in their standard deviations, of
classes the share of rows that get another one. Shuffles are the same every time, so that a bundle made again has the same digest.

Runs foreign code: called by `profiling`, in its process. Standard library only, as everything there.
"""

import math
import random
import statistics
from collections.abc import Sequence
from typing import Any

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import model
from tidegate.dataplane.wire import frames
from tidegate.delivery.describing import examples

ROWS = 500
COLUMNS = 200
"""A model with more inputs is asked nothing: it would take too long."""
_DIGITS = 3
Answers = Sequence[float | str | None]


def importances(ready: model.Model, rows: Sequence[dict[str, Any]], said: Answers) -> dict[str, float]:
    """By input column; the mean is 1. Empty where nothing is known: too many columns, answers that never change, or an error."""
    names = [column.name for column in ready.codec.manifest.signature.inputs]
    if not 1 < len(names) <= COLUMNS:
        return {}
    step = max(1, len(rows) // ROWS)
    few, before = rows[::step][:ROWS], said[::step][:ROWS]
    found = {}
    for name in names:
        values = [row.get(name) for row in few]
        random.Random(0).shuffle(values)
        try:
            found[name] = _distance(
                before, _answers(ready, [{**row, name: value} for row, value in zip(few, values, strict=True)])
            )
        except Exception:
            return {}
    mean = math.fsum(found.values()) / len(found)
    return {name: float(f"{each / mean:.{_DIGITS}g}") for name, each in found.items()} if mean > 0 else {}


def _answers(ready: model.Model, rows: list[dict[str, Any]]) -> Answers:
    batch = ready.codec.decode(examples.body(rows), frames.Content.RECORDS).batch
    return ready.codec.answers(ready.codec.checked(ready.predict(batch), batch.rows))


def _distance(before: Answers, after: Answers) -> float:
    """Raises OutputInvalid for answers of two kinds."""
    numbers = [one for one in before if isinstance(one, float)]
    if len(numbers) < len(before):
        return sum(one != other for one, other in zip(before, after, strict=True)) / len(before)
    others = [one for one in after if isinstance(one, float)]
    if len(others) < len(numbers):
        raise errors.OutputInvalid("some answers are numbers and some are not.")
    spread = statistics.pstdev(numbers)
    return (
        math.fsum(abs(one - other) for one, other in zip(numbers, others, strict=True)) / len(numbers) / spread if spread else 0.0
    )
