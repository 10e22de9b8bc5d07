"""Sheets of predictions for people to label: which there are to choose from, how urgent each is, and what stands on the sheet.

Called by the command line. The drawing itself is `labelling`'s.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tidegate.core.stats import metrics
from tidegate.core.vocabulary import arms, errors, home, ids, records, tables
from tidegate.dataplane.predlog import columns, labelled, reader
from tidegate.observability.outcomes import graded, labelling, probable
from tidegate.observability.reading import bodies

COLUMNS = ("task", "id", "label", "answer")
"""What every sheet has, before the inputs. An input column that is called so stands there as the log calls it: in_NAME."""
_AT_ONCE = 500


class Asked(msgspec.Struct, frozen=True):
    """What is to be drawn."""

    endpoint: str
    strategy: str
    wanted: int
    since: float
    until: float
    """Unix seconds."""
    version: int = 0
    """Of this version only; 0: of all."""


class Sheet(msgspec.Struct, frozen=True):
    """What is handed out."""

    task: labelling.Task
    lines: tuple[dict[str, Any], ...]
    """A line each, with `COLUMNS` and the inputs as far as they were logged."""
    candidates: int
    """How many there were to draw from."""


def drawn(place: home.Home, rule: tables.Outcomes, asked: Asked, seed: int) -> Sheet:
    """A sheet, remembered before it is given away. Nobody gets what is labelled, or was handed out before.

    Raises SpecInvalid for what the strategy cannot tell, NothingCompared where nothing is left, OSError.
    """
    rows = labelled.read(place, asked.endpoint, rule, (asked.since, asked.until))
    known = labelling.handed_out(labelling.tasks(place, asked.endpoint))
    free = [(name.decode(), at) not in known for name, at in zip(rows.id.tolist(), rows.row.tolist(), strict=True)]
    rows = rows.of(np.array(free, bool) & ~rows.labelled & ((rows.version == asked.version) | (asked.version == 0)))
    if asked.strategy == labelling.UNCERTAIN:
        rows = probable.rows(place, asked.endpoint, rows)
    given = graded.graded(rule, rows)
    if not len(given.rows):
        raise errors.NothingCompared(
            f"no prediction of {asked.endpoint} in that time is left to label.",
            cure="Look further back: --since. Is there none at all, `tidegate send` makes traffic.",
        )
    urgent = _urgent(place, rule, asked, given)
    chance = labelling.chances_of(urgent, asked.wanted) / rows.sampled
    places = labelling.draw(chance * rows.sampled, seed)
    handed = tuple(labelling.Handed(given.rows.id[at].decode(), int(given.rows.row[at]), float(chance[at])) for at in places)
    name = f"{int(asked.until)}-{secrets.token_hex(4)}"
    task = labelling.Task(name, asked.endpoint, asked.strategy, asked.until, handed)
    labelling.keep(place, task)
    return Sheet(task, tuple(_lines(place, task)), len(given.rows))


def _urgent(place: home.Home, rule: tables.Outcomes, asked: Asked, given: graded.Graded) -> metrics.Floats:
    if asked.strategy == labelling.RANDOM:
        return np.ones(len(given.rows))
    if asked.strategy == labelling.UNCERTAIN:
        if given.probable.any():
            assert given.rows.probabilities is not None
            return labelling.nearness(given.rows.probabilities)
        if given.kind == graded.NUMBER or not all(isinstance(one, float | int) for one in given.rows.answer):
            raise errors.SpecInvalid(
                "only a probability says how sure it is.",
                cure="Have the model answer one (`method: predict_proba`), or draw at random.",
            )
        score = np.array(given.rows.answer, np.float64)
        return labelling.urgency(score, rule.threshold)
    copies = labelled.copies(place, asked.endpoint, (asked.since, asked.until))
    differs = [
        _differs(answer, copies.get(name.decode(), ()), row)
        for answer, name, row in zip(given.rows.answer, given.rows.id.tolist(), given.rows.row.tolist(), strict=True)
    ]
    if not any(differs):
        raise errors.NothingCompared(
            f"no copy of a request of {asked.endpoint} in that time has answered otherwise.",
            cure="Disagreement needs a shadow stage or a reverse shadow; draw at random where there is none.",
        )
    return np.array(differs, np.float64)


def _differs(answer: object, copied: Sequence[object], row: int) -> float:
    """How far the copy's answer is from the live one's: of numbers the distance, of all else 1 or 0; 0 without a copy."""
    if row >= len(copied) or copied[row] is None:
        return 0.0
    other = copied[row]
    if isinstance(answer, float | int) and isinstance(other, float | int):
        return abs(answer - other)
    return float(answer != other)


def _lines(place: home.Home, task: labelling.Task) -> list[dict[str, Any]]:
    """The sheet's lines in the order of the predictions."""
    inputs = bodies.Reader(place.bundles)
    wanted = sorted({one.id for one in task.handed})
    shown: dict[tuple[str, int], dict[str, Any]] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        some = [name for one in wanted[begin : begin + _AT_ONCE] if (name := ids.parse(one))]
        live = [one for one in reader.predictions(place.log, some) if one.role == arms.Role.LIVE]
        for digest in {one.digest for one in live}:
            shown |= _shown(inputs, [one for one in live if one.digest == digest])
    lines = []
    for each in task.handed:
        named = f"{each.id}/{each.row}" if each.row else each.id
        lines.append({"task": task.name, "id": named, "label": None} | shown.get((each.id, each.row), {"answer": None}))
    return lines


def _shown(inputs: bodies.Reader, several: Sequence[records.Prediction]) -> dict[tuple[str, int], dict[str, Any]]:
    """What is shown of each row of requests that were drawn for one bundle."""
    signature = inputs.takes(several[0].digest)
    names = [column.name for column in signature.inputs] if signature else []
    headings = _headings(names)
    given = inputs.inputs(several).each(names) if names else {}
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for at, one in enumerate(several):
        for row in range(max(1, one.rows)):
            values = {headings[name]: column[row] for name, column in given.get(at, {}).items() if row < len(column)}
            answer = one.answers[row] if row < len(one.answers) else None
            found[ids.text(one.id), row] = {"answer": answer} | values
    return found


def _headings(names: Sequence[str]) -> dict[str, str]:
    """What input columns are called on a sheet: none as one of its own, and no two alike."""
    found = {}
    for name in names:
        heading = name
        while heading in COLUMNS or (heading != name and heading in names):
            heading = columns.PREFIX + heading
        found[name] = heading
    return found
