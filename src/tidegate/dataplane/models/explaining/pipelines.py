"""What the last step of a pipeline sees, and which sent column each of its features came from.

Only transformers that make each feature of one column are followed: scalers, imputers, encoders, and column transformers of them.
Of anything else (principal components, polynomials, functions of one's own) the features have no single origin, and the pipeline
is explained as a whole, as a black box.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

_ONE_TO_ONE = (
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "RobustScaler",
    "PowerTransformer",
    "QuantileTransformer",
    "SimpleImputer",
    "OrdinalEncoder",
    "Binarizer",
)
"""One feature a column, in order."""
_ROOMS = ("sklearn.preprocessing", "sklearn.impute")


class Seen(msgspec.Struct, frozen=True):
    """What a final estimator is asked with."""

    final: Any
    matrix: Any
    """Array [rows, features], dense."""
    origins: tuple[int, ...]
    """The place of the column each feature came from."""


def seen(original: Any, given: Any, columns: int) -> Seen | None:
    """The last step, and `given` (an array or a frame of the columns, in order) as it sees it; None where that has no origins.

    Raises what the transformers raise.
    """
    origins: list[int] | None = list(range(columns))
    final, matrix = original, given
    if type(original).__name__ == "Pipeline" and _home(original).startswith("sklearn.pipeline"):
        *steps, (_, final) = original.steps
        for _, step in steps:
            if step is None or step == "passthrough":
                continue
            before = matrix
            matrix = step.transform(matrix)
            origins = _through(step, origins or [], before.shape[1], matrix.shape[1])
            if origins is None:
                return None
    if type(final).__name__ == "Pipeline" or matrix.shape[1] != len(origins or ()):
        return None
    return Seen(final, _dense(matrix), tuple(origins or ()))


def _through(step: Any, origins: Sequence[int], taken: int, made: int) -> list[int] | None:
    """Origins of the features that a transformer makes of features with these origins."""
    if len(origins) != taken:
        return None
    if step is None or step == "passthrough":
        return list(origins)
    name = type(step).__name__
    if name == "ColumnTransformer" and _home(step).startswith("sklearn.compose"):
        return _split(step, origins, made)
    if name == "Pipeline" and _home(step).startswith("sklearn.pipeline"):
        return _chained(step, origins, made)
    if not _home(step).startswith(_ROOMS):
        return None
    if name == "OneHotEncoder":
        return _spread(step, origins, made)
    if name in _ONE_TO_ONE and made == taken:
        return list(origins)
    return None


def _chained(pipeline: Any, origins: Sequence[int], made: int) -> list[int] | None:
    """A pipeline within: the widths between its steps are what the steps themselves say."""
    found: list[int] | None = list(origins)
    for place, (_, step) in enumerate(pipeline.steps):
        last = place == len(pipeline.steps) - 1
        if found is None:
            return None
        after = made if last else getattr(pipeline.steps[place + 1][1], "n_features_in_", len(found))
        found = _through(step, found, len(found), after)
    return found


def _split(transformer: Any, origins: Sequence[int], made: int) -> list[int] | None:
    """A column transformer: each of its own on its own columns."""
    taken = getattr(transformer, "_transformer_to_input_indices", None)
    placed = getattr(transformer, "output_indices_", None)
    if taken is None or placed is None:
        return None
    found: list[int] = [-1] * made
    for name, step, _ in transformer.transformers_:
        there = placed.get(name, slice(0, 0))
        width = there.stop - there.start
        if not width or step == "drop":
            continue
        mine = [origins[place] for place in taken[name]]
        if _is_identity(step):
            step = None  # noqa: PLW2901 - what it says of itself
        told = _through(step, mine, len(mine), width)
        if told is None or len(told) != width:
            return None
        found[there] = told
    return None if -1 in found else found


def _is_identity(step: Any) -> bool:
    return type(step).__name__ == "FunctionTransformer" and getattr(step, "func", 0) is None


def _spread(encoder: Any, origins: Sequence[int], made: int) -> list[int] | None:
    """One-hot: as many features a column as it has categories, but for those dropped."""
    dropped = getattr(encoder, "drop_idx_", None)
    widths = []
    for place, categories in enumerate(encoder.categories_):
        gone = dropped is not None and dropped[place] is not None
        widths.append(len(categories) - gone)
    if sum(widths) != made or len(widths) != len(origins):
        return None  # infrequent categories are joined
    return [origin for origin, width in zip(origins, widths, strict=True) for _ in range(width)]


def _dense(matrix: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype="float64")


def _home(thing: Any) -> str:
    return str(type(thing).__module__)
