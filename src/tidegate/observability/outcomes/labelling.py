"""The labelling queue: which predictions are worth a person's look, handed out with the chance with which each was drawn.

    random        every prediction alike
    uncertain     those nearest to the threshold (whose answers differ least from a coin's) more often; of several classes those
                  whose two likeliest classes are nearest to each other
    disagreement  those where the unseen copy by the other version answered otherwise more often

A targeted sample is no fair one: of its labels alone any model looks bad. So nobody is left out for sure (a tenth of the draws is
spread over all), the chance of each is remembered, and a label counts by one over it. Drawn are fixed numbers with these chances
(systematic sampling on cumulated chances, in an order shuffled by the seed: Madow 1949).

What was handed out is in `labelling/ENDPOINT/TASK.json`, written before the sheet. It comes back through `POST /outcomes` with
the request id `labelling:TASK`. Called by the command line; `performance` asks for the chances.
"""

import pathlib
from collections.abc import Sequence

import msgspec
import numpy as np

from tidegate.core.stats import metrics
from tidegate.core.vocabulary import errors, home, placing

RANDOM, UNCERTAIN, DISAGREEMENT = "random", "uncertain", "disagreement"
STRATEGIES = (RANDOM, UNCERTAIN, DISAGREEMENT)
SPREAD = 0.1
"""The share of the draws that goes to all alike."""
_FULL = 20


class Handed(msgspec.Struct, frozen=True, array_like=True):
    """One row that somebody is to label."""

    id: str
    row: int
    chance: float
    """With which it was drawn."""


class Task(msgspec.Struct, frozen=True):
    """One sheet."""

    name: str
    endpoint: str
    strategy: str
    at: float
    """Unix seconds."""
    handed: tuple[Handed, ...]


def urgency(score: metrics.Floats, threshold: float) -> metrics.Floats:
    """How near each answer is to where it would be the other one: 1 at the threshold, 0 a whole range away."""
    finite = np.nan_to_num(score, nan=threshold)
    far = np.abs(finite - threshold)
    widest = far.max() if far.size else 0.0
    found: metrics.Floats = 1 - far / widest if widest > 0 else np.ones(far.size)
    return found


def nearness(probabilities: metrics.Floats) -> metrics.Floats:
    """How near the two likeliest classes of each row (n, k) are: 1 where they are alike, 0 where one is sure or nothing is known.

    The least margin (Scheffer, Decomain and Wrobel 2001): where two classes are to be told apart, however unlikely the others.
    """
    two = np.sort(probabilities, axis=1)[:, -2:]
    found: metrics.Floats = np.nan_to_num(1 - (two[:, 1] - two[:, 0]))
    return found


def chances_of(urgent: metrics.Floats, wanted: int) -> metrics.Floats:
    """With what chance each of these is to be drawn, so that `wanted` are: in proportion to its urgency, none without any."""
    count = urgent.size
    if wanted >= count:
        return np.ones(count)
    total = float(urgent.sum())
    share = urgent / total if total > 0 else np.full(count, 1 / count)
    found = wanted * ((1 - SPREAD) * share + SPREAD / count)
    for _ in range(_FULL):  # what would be drawn more than once is drawn for sure, and the rest shares what is left
        sure = found >= 1
        left = wanted - int(sure.sum())
        rest = float(found[~sure].sum())
        if rest <= 0 or abs(rest - left) < 1e-9:
            break
        found = np.where(sure, 1.0, found * left / rest)
    return np.minimum(found, 1.0)


def draw(chance: metrics.Floats, seed: int) -> list[int]:
    """Places drawn, each with its chance, as many as these add up to."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(chance.size)
    reached = np.cumsum(chance[order])
    begins = reached - chance[order]
    start = rng.random()
    hits = np.floor(reached - start + 1e-9) - np.floor(begins - start + 1e-9)
    return sorted(order[hits > 0].tolist())


def keep(place: home.Home, task: Task) -> None:
    """Remember what is handed out. Raises OSError."""
    path = _folder(place, task.endpoint) / f"{task.name}.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    placing.put(path, msgspec.json.encode(task))


def tasks(place: home.Home, endpoint: str) -> list[Task]:
    """All that were handed out, oldest first; one that cannot be read is passed over."""
    found = []
    for path in sorted(_folder(place, endpoint).glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Task))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda one: one.at)


def task(place: home.Home, endpoint: str, name: str) -> Task:
    """The task of this name. Raises OutcomeInvalid where there is none."""
    known = {one.name: one for one in tasks(place, endpoint)}
    if name not in known:
        words = f"{endpoint} has handed out no task {name[:40]!r}."
        raise errors.OutcomeInvalid(words, cure="Take back a sheet as `tidegate label` wrote it.")
    return known[name]


def chances(place: home.Home, endpoint: str) -> dict[tuple[str, int], float]:
    """By (prediction id, row), the chance with which the task that handed it out has drawn it. No row is handed out twice."""
    return {(one.id, one.row): one.chance for each in tasks(place, endpoint) for one in each.handed}


def handed_out(known: Sequence[Task]) -> set[tuple[str, int]]:
    """Rows that somebody has already."""
    return {(one.id, one.row) for each in known for one in each.handed}


def _folder(place: home.Home, endpoint: str) -> pathlib.Path:
    return place.labelling / endpoint
