"""The probabilities of classes beside predictions and their truth: which column of the log is which class's, by version.

A bundle knows its classes (`models.series`). Versions may tell different ones apart: then there are all of them, and what a
version does not know has the probability 0. Called by whoever reads rows and needs them: `performance`, `performing`, `sheets`.
"""

import msgspec
import numpy as np

from tidegate.core.vocabulary import errors, home, profiles
from tidegate.dataplane.models import bundles, series
from tidegate.dataplane.predlog import labelled, probabilities
from tidegate.observability.reading import outputs


def rows(place: home.Home, endpoint: str, found: labelled.Rows) -> labelled.Rows:
    """These rows, with the probabilities that they were answered with, where there are any. Raises StoreUnavailable."""
    told = {version: _classes(place, digest) for version, digest in probabilities.digests(place, endpoint, found).items()}
    told = {version: one for version, one in told.items() if _is_whole(one)}
    if not told:
        return found
    names = tuple(dict.fromkeys(name for one in told.values() for name in one.names))
    wanted = {version: [outputs.column(name) if name else "" for name in one.series] for version, one in told.items()}
    logged = probabilities.read(place, endpoint, found, wanted)
    whole = np.full((len(found), len(names)), np.nan)
    for version, one in told.items():
        mine, width = found.version == version, len(one.names)
        table = logged[mine, :width]
        left = [at for at, name in enumerate(one.series) if not name]
        for at in left:  # of two classes one is what the other leaves
            table[:, at] = 1 - np.delete(table, at, axis=1).sum(axis=1)
        complete = np.zeros((int(mine.sum()), len(names)))
        complete[:, [names.index(name) for name in one.names]] = table
        complete[np.isnan(table).any(axis=1)] = np.nan
        whole[mine] = complete
    return msgspec.structs.replace(found, classes=names, probabilities=whole)


def _classes(place: home.Home, digest: str) -> series.Classes:
    """Unknown classes where the bundle is not here any more."""
    try:
        return series.Series(bundles.read_manifest(place.bundles / digest)).classes
    except errors.TidegateError:
        return series.Classes((), ())


def _is_whole(one: series.Classes) -> bool:
    """Whether the log has them all by column, and the answer is a class."""
    return len(one.series) > 1 and profiles.PREDICTION not in one.series
