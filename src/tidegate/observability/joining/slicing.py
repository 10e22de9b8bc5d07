"""Slices: which declared parts of traffic a request belongs to, by its values in words (`reading.bodies`).

Twenty values a column get a slice of their own, in the order met; what comes beyond is `other`.
"""

import collections
from collections.abc import Iterable

from tidegate.core.vocabulary import sums
from tidegate.dataplane.predlog import pairing
from tidegate.observability.reading import bodies

MOST = sums.SLICE_VALUES
"""Values of one column."""
OTHER = "other"


class Known:
    """The values that have slices of their own."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` of slices that there are."""
        self._names = set(names)
        self._counts = collections.Counter(name.partition("=")[0] for name in self._names if not name.endswith(f"={OTHER}"))

    def slices(self, words: bodies.Words) -> list[pairing.Slice]:
        """The slices of a request with these values: all of it first, then by column."""
        found = [pairing.ALL]
        for column, values in words.items():
            rows: dict[str, list[int]] = {}
            for row, value in enumerate(values):
                rows.setdefault(self.name(f"{column}={value}"), []).append(row)
            found += [(name, None if len(rows) == 1 else tuple(mine)) for name, mine in rows.items()]
        return found

    def name(self, name: str) -> str:
        """The slice of a value, column=value: its own, or its column's other."""
        column = name.partition("=")[0]
        if name in self._names or name == f"{column}={OTHER}":
            return name
        if self._counts[column] >= MOST:
            return f"{column}={OTHER}"
        self._names.add(name)
        self._counts[column] += 1
        return name
