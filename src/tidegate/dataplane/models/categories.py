"""Values of columns that declare their categories: what is none of them is refused, by column and row."""

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, datatypes

_SHOWN = 20


class Categories:
    """What the columns of one signature may hold."""

    def __init__(self, signature: manifests.Signature) -> None:
        """Raises SignatureMissing for a category that is no value of its column's type."""
        self._known = [
            (column, frozenset((*datatypes.categories(column), None))) for column in signature.inputs if column.categories
        ]

    def check(self, batch: batches.Batch) -> None:
        """Raises InputInvalid for the first value that is not known. A missing value is the column's affair, not this one's."""
        for column, known in self._known:
            values = batches.entries(batch.inputs[column.name])
            if known.issuperset(values):
                continue
            place = next(place for place, value in enumerate(values) if value not in known)
            listed = ", ".join(column.categories[:_SHOWN]) + (", ..." if len(column.categories) > _SHOWN else "")
            said = repr(values[place])[:82]
            cure = f"The model knows: {listed}."
            raise errors.InputInvalid(f"{datatypes.place_of(column, place)}: {said} is no category of this model.", cure=cure)
