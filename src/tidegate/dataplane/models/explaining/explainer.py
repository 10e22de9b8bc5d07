"""Which way one answer is taken apart: by what the model is, where that is known and proves right, else as a black box.

What a special method says has to add up to the answer; else the model is asked as a black box, and the note says why.
"""

import time
from collections.abc import Callable, Sequence

from tidegate.core.vocabulary import errors, explanations
from tidegate.dataplane.models import agreement, batches, bundles, model, signature
from tidegate.dataplane.models.explaining import cases, coalitions, linear, originals, pipelines, subjects, trees
from tidegate.dataplane.models.loaders import arrayed, catalog

MOST_ROWS = 250_000
"""Rows that a black box is asked for all coalitions; beyond, orders are drawn."""
SECONDS = 20.0
"""For drawing orders."""
AT_ONCE = 8_192
"""Rows in one call of the model."""
_CLOSE = 1e-4
Found = tuple[list[float], float, str]
"""Contributions by column, the base, the method."""


class Explainer:
    """Takes answers of one loaded model apart."""

    def __init__(
        self,
        bundle: bundles.Bundle,
        loaded: catalog.Model,
        codec: signature.Codec,
        seconds: float = SECONDS,
        original: originals.Original = originals.NONE,
    ) -> None:
        """`original`: what a compiled model was made from: it is taken apart in its place where both answer alike."""
        self._bundle, self._loaded, self._codec, self._seconds = bundle, loaded, codec, seconds
        self._original = original

    def explain(self, request: batches.Batch, row: int, background: batches.Batch, seed: int) -> explanations.Explained:
        """One row of a request. `seed`: for orders that are drawn; the same one draws the same.

        Raises NotExplainable, naming what of the model, the input or the answer cannot be told apart.
        """
        case = cases.Case(self._bundle.manifest.signature, request, row, background)
        try:
            return self._explained(case, seed)
        except errors.TidegateError:
            raise
        except (Exception, SystemExit) as raised:
            raise subjects.failed(raised) from raised

    def _explained(self, case: cases.Case, seed: int) -> explanations.Explained:
        told, note = self._by_original(case)
        if told is not None:
            return told
        subject, said, took = self._asked(case)
        found, failed = self._by_kind(case, subject, said)
        note = note or failed
        errors_of = (0.0,) * len(case.columns)
        if found is None:
            affordable = case.fewer(int(self._seconds / (2 * len(case.columns) * max(took, 1e-9))))
            if affordable.rows < case.rows:
                slow = f"the model takes {took:.3g} s a row, so {affordable.rows} typical rows were mixed in"
                case, note = affordable, f"{note}; {slow}" if note else slow
            found, errors_of = self._black_box(case, subject, seed, took)
        return self._told(case, subject, said[0], found, (errors_of, note))

    def _asked(self, case: cases.Case) -> tuple[subjects.Subject, tuple[float, Sequence[float]], float]:
        """(what is explained, the answer to it and to typical cases, seconds that a row takes)."""
        answered = self._codec.checked(self._loaded.predict(case.own()), 1)
        subject = subjects.of(self._bundle, self._loaded, answered)
        (score,), began = subject.score(case.own()), time.monotonic()
        scores = subject.score(case.background())
        return subject, (score, scores), (time.monotonic() - began) / case.rows

    def _by_original(self, case: cases.Case) -> tuple[explanations.Explained | None, str]:
        """By what a compiled model was made from; None, and why, where it is not here, answers otherwise, or has no method."""
        bundle, loaded, why = self._original.bundle, self._original.loaded, self._original.why
        if bundle is None or loaded is None:
            return None, f"{why}, so it was asked as a black box" if why else ""
        kind = f"{bundle.manifest.loader} model it was compiled from"
        try:
            off = max(originals.apart(self._codec, self._loaded, loaded, one) for one in (case.own(), case.background()))
            if off > agreement.TOLERANCE:
                return None, f"the {kind} answers otherwise (by {off:.2g}), so it was asked as a black box"
            other = Explainer(bundle, loaded, self._codec, self._seconds)
            subject, said, _ = other._asked(case)
            found, note = other._by_kind(case, subject, said)
        except (Exception, SystemExit) as raised:
            return None, f"the {kind} does not answer here ({model.words(raised)[:160]}), so it was asked as a black box"
        if found is None:
            return None, f"of the {kind}: {note}" if note else ""
        alike = f"of the {kind}, which answers the same here" + (f" within {off:.1g}" if off else "")
        return other._told(case, subject, said[0], found, ((0.0,) * len(case.columns), alike)), ""

    def _told(
        self, case: cases.Case, subject: subjects.Subject, score: float, found: Found, how: tuple[tuple[float, ...], str]
    ) -> explanations.Explained:
        """`how`: the standard error by column, and what is to be said besides."""
        (values, base, method), (errors_of, note) = found, how
        instead = self._instead(case, subject)
        parts = [
            explanations.Contribution(column.name, column.value, value, error, column.typical, other)
            for column, value, error, other in zip(case.columns, values, errors_of, instead, strict=True)
        ]
        parts.sort(key=lambda one: -abs(one.contribution))
        return explanations.Explained(subject.words, score, base, tuple(parts), method, not any(errors_of), case.rows, note)

    def _by_kind(
        self, case: cases.Case, subject: subjects.Subject, said: tuple[float, Sequence[float]]
    ) -> tuple[Found | None, str]:
        """By what the model is; None, and perhaps why, where it has to be asked as a black box."""
        loaded = self._loaded
        if not isinstance(loaded, arrayed.Model):
            return None, ""
        try:
            own = pipelines.seen(loaded.original, loaded.given(case.own()), len(case.columns))
            others = pipelines.seen(loaded.original, loaded.given(case.background()), len(case.columns))
            if own is None or others is None:
                return None, "what its last step sees has no single column as its origin"
            return self._special(case, subject, said, (own, others))
        except ModuleNotFoundError as absent:
            return None, f"{absent.name} is not installed where the model runs, so it was asked as a black box"
        except Exception as raised:
            return None, f"its own method failed ({model.words(raised)[:160]})"

    def _special(
        self,
        case: cases.Case,
        subject: subjects.Subject,
        said: tuple[float, Sequence[float]],
        seen: tuple[pipelines.Seen, pipelines.Seen],
    ) -> tuple[Found | None, str]:
        own, others = seen
        score, scores = said
        if (told := linear.contributions(own, others, score, scores, subject.place)) is not None:
            base = sum(scores) / len(scores)
            return (self._by_column(case, told[0], own.origins), base, told[1]), ""
        if len(set(own.origins)) < len(own.origins) and _enumerable(len(case.columns), case.rows):
            return None, ""  # what one column was spread over is one player there, and several here
        if not trees.is_tree(own.final):
            return None, ""
        for values, base in trees.contributions(own, others, subject.place):
            if abs(base + sum(values) - score) <= _CLOSE * (1.0 + abs(score)):
                return (self._by_column(case, values, own.origins), base, trees.METHOD), ""
        return None, "what shap's TreeExplainer says of it does not add up to the answer"

    def _by_column(self, case: cases.Case, values: Sequence[float], origins: Sequence[int]) -> list[float]:
        """Features' contributions added up by the column they came from, in the columns' order."""
        trained: Sequence[str] = getattr(self._loaded, "columns", ())
        names = [column.name for column in case.columns]
        reordered = self._bundle.manifest.loader == "xgboost" and set(trained) == set(names)
        places = [names.index(name) for name in trained] if reordered else range(len(names))
        found = [0.0] * len(names)
        for value, origin in zip(values, origins, strict=True):
            found[places[origin]] += value
        return found

    def _black_box(self, case: cases.Case, subject: subjects.Subject, seed: int, took: float) -> tuple[Found, tuple[float, ...]]:
        """`took`: seconds that a row of it takes."""
        playing = [place for place, column in enumerate(case.columns) if not column.idle]
        game = _game(case, subject, playing)
        count = len(playing)
        if not count:
            (base,) = game([0])
            return ([0.0] * len(case.columns), base, "nothing differs from typical cases"), (0.0,) * len(case.columns)
        if _enumerable(count, case.rows) and (1 << count) * case.rows * took <= self._seconds:
            shared = coalitions.exactly(count, game)
            method = f"Shapley values over all {1 << count:,} coalitions of columns, asked as a black box (exact)"
        else:
            until = time.monotonic() + self._seconds
            budget = max(1, 4 * MOST_ROWS // (2 * count * case.rows))
            shared = coalitions.sampled(count, game, seed, lambda pairs: pairs < budget and time.monotonic() < until)
            method = f"Shapley values over {2 * shared.pairs} drawn orders of the columns, asked as a black box"
        (base,) = game([0])
        values, missed = [0.0] * len(case.columns), [0.0] * len(case.columns)
        for place, value, error in zip(playing, shared.values, shared.errors, strict=True):
            values[place], missed[place] = value, error
        return (values, base, method), tuple(missed)

    def _instead(self, case: cases.Case, subject: subjects.Subject) -> list[float | None]:
        """What would have been answered with one typical value each; nothing where the model refuses that."""
        try:
            return list(subject.score(case.replaced()))
        except (Exception, SystemExit):
            return [None] * len(case.columns)


def _enumerable(columns: int, rows: int) -> bool:
    return (1 << columns) * rows <= MOST_ROWS


def _game(case: cases.Case, subject: subjects.Subject, playing: Sequence[int]) -> Callable[[Sequence[int]], list[float]]:
    """The mean answer over the background for each coalition, in calls of a bounded size."""
    some = max(1, AT_ONCE // case.rows)

    def game(masks: Sequence[int]) -> list[float]:
        worth: list[float] = []
        for begin in range(0, len(masks), some):
            part = masks[begin : begin + some]
            scores = subject.score(case.mixtures(part, playing))
            worth += [sum(scores[at : at + case.rows]) / case.rows for at in range(0, len(scores), case.rows)]
        return worth

    return game
