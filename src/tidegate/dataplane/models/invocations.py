"""MLflow's scoring bodies: `dataframe_split`, `dataframe_records`, `instances` or `inputs`; the answer is {"predictions": [...]}.

Rows are objects by column name, or lists in the signature's order; `inputs` may also be columns: {name: [values]}. Types, names
and missing values are taken exactly as in plain records; a column that the model does not have is refused, where MLflow would
drop it. `params` is ignored, as MLflow does for models that declare none; so are an index and keys that mean nothing here.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, complaints, datatypes, records, rows

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_CURE = f"Send one of {', '.join(FORMS)}."
_ROW = re.compile(r"^(\[\d+\])?\.?")


class Body(msgspec.Struct, gc=False):
    """A request to /invocations. What a form holds depends on the signature, so it stays raw until then."""

    dataframe_split: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    dataframe_records: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Split(msgspec.Struct, gc=False):
    """A table as pandas writes it with orient="split"."""

    data: msgspec.Raw
    columns: list[str] | None = None


class Invocations:
    """Both ways, for one signature."""

    def __init__(self, signature: manifests.Signature, coerce: bool = False) -> None:
        self._coerce = coerce
        self._inputs = {column.name: column for column in signature.inputs}
        self._columns = signature.kind == "columns"
        self._what = "column" if self._columns else "input"
        self._block = datatypes.block(signature)
        self._straight = tuple(self._inputs) if self._block is not None and not coerce else ()
        """The order in which rows of numbers are a block as they stand."""
        self._outputs = signature.outputs
        self._records = records.Records(signature, coerce)
        self._body = msgspec.json.Decoder(Body).decode
        self._split = msgspec.json.Decoder(Split).decode
        self._rows = msgspec.json.Decoder(list[self._records.type], strict=not coerce).decode  # type: ignore[name-defined]
        self._by_name = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        self._placed = functools.lru_cache(maxsize=32)(self._row)
        self._encode = msgspec.json.Encoder().encode

    def decode(self, raw: bytes) -> batches.Batch:
        """The batch. Raises BodyMalformed or InputInvalid, naming column and row."""
        try:
            body = self._body(raw)
        except msgspec.ValidationError as wrong:
            raise errors.InputInvalid(f"not a scoring request: {complaints.expectation(str(wrong))}.", cure=_CURE) from wrong
        given = [name for name in FORMS if getattr(body, name) is not msgspec.UNSET]
        if len(given) != 1:
            said = f"{' and '.join(given)} are there at once" if given else "none of its forms is there"
            raise errors.InputInvalid(f"not a scoring request: {said}.", cure=_CURE)
        form, part = given[0], bytes(getattr(body, given[0]))
        if form == "dataframe_split":
            return self._table(part)
        if form == "inputs" and part[:1] == b"{":
            return self._columnwise(part)
        return self._listed(form, part)

    def _listed(self, form: str, part: bytes) -> batches.Batch:
        """Rows, each an object, or a list in the signature's order."""
        if self._columns and re.match(rb"\[\s*\[", part):
            return self._positional(part, tuple(self._inputs))
        if self._records.lists and form == "dataframe_records":
            raise errors.InputInvalid("this model takes a tensor, not named columns; send it as `instances` or `inputs`")
        return self._records.batch(self._decoded(form, self._rows, part))

    def _decoded(self, form: str, decode: Any, part: bytes) -> list[Any]:
        try:
            found: list[Any] = decode(part)
        except msgspec.ValidationError as wrong:
            words = str(wrong)
            if not complaints.path(words) and not complaints.field(words)[0]:
                raise errors.InputInvalid(f"{form}: {complaints.expectation(words)}") from wrong
            raise self._records.complaint(words, _ROW) from wrong
        if not found:
            raise errors.InputInvalid(f"{form} has no rows")
        return found

    def _table(self, part: bytes) -> batches.Batch:
        try:
            split = self._split(part)
        except msgspec.ValidationError as wrong:
            where = complaints.path(str(wrong))
            raise errors.InputInvalid(f"dataframe_split{where}: {complaints.expectation(str(wrong))}") from wrong
        if self._records.lists:  # a table without names is a tensor's rows
            return self._records.batch(self._decoded("dataframe_split", self._rows, bytes(split.data)))
        return self._positional(bytes(split.data), self._inputs if split.columns is None else split.columns)

    def _positional(self, part: bytes, names: Sequence[str] | dict[str, Any]) -> batches.Batch:
        """Rows as lists in the order of `names`."""
        names = tuple(names)
        try:
            rows_of = self._placed(names).decode(part)
        except msgspec.ValidationError as wrong:
            at, said = complaints.rows(str(wrong)), complaints.expectation(str(wrong))
            if len(at) > 1 and at[1] < len(names):
                raise errors.InputInvalid(f"{self._what} `{names[at[1]]}`, row {at[0]}: {said}") from wrong
            raise errors.InputInvalid(f"row {at[0]}: {said}" if at else f"data: {said}") from wrong
        if not rows_of:
            raise errors.InputInvalid("there are no rows")
        if names == self._straight:
            return batches.of_rows(rows_of)
        return self._gathered(dict(zip(names, map(list, zip(*rows_of, strict=True)), strict=True)))

    def _row(self, names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
        """Decodes rows of values in the order of these names. Raises InputInvalid for names that are not the model's."""
        known(self._what, names, self._inputs)
        kinds = tuple(records.nested(self._inputs[name]) for name in names)
        wanted: Any = list[tuple[kinds]]  # type: ignore[valid-type]
        return msgspec.json.Decoder(wanted, strict=not self._coerce)

    def _columnwise(self, part: bytes) -> batches.Batch:
        given = self._by_name(part)
        known(self._what, tuple(given), self._inputs)
        found: dict[str, list[Any]] = {}
        for name, raw in given.items():
            try:
                wanted: Any = list[records.nested(self._inputs[name])]  # type: ignore[misc]
                found[name] = msgspec.json.decode(bytes(raw), type=wanted, strict=not self._coerce)
            except msgspec.ValidationError as wrong:
                at = complaints.rows(str(wrong))
                place = f", row {at[0]}" if at else ""
                raise errors.InputInvalid(f"{self._what} `{name}`{place}: {complaints.expectation(str(wrong))}") from wrong
        sizes = {len(values) for values in found.values()}
        if sizes == {0}:
            raise errors.InputInvalid("there are no rows")
        if len(sizes) > 1:
            raise errors.InputInvalid(f"the {self._what}s of `inputs` have different numbers of rows: {sorted(sizes)}")
        return self._gathered(found)

    def _gathered(self, found: dict[str, list[Any]]) -> batches.Batch:
        """Columns, or tensors row by row, by name, in any order; optional ones may be absent."""
        count = len(next(iter(found.values())))
        batch = batches.Batch(count, {}, {})
        for name, column in self._inputs.items():
            values = found.get(name)
            if values is None:
                values = [None] * count
            elif column.shape:
                values, batch.tails[name] = records.opened(column, values)
            batch.inputs[name] = datatypes.finished(column, values) if datatypes.unfinished(column, self._coerce) else values
        return batches.of_columns(batch.inputs, self._block is not None) if self._columns else batch

    def encode(self, values: batches.Values) -> bytes:
        """The response body."""
        return self._encode({"predictions": rows.predictions(self._outputs, values)})


def known(what: str, names: Sequence[str], inputs: dict[str, manifests.Column]) -> None:
    """Raises InputInvalid unless each name is an input's, is there once, and none that has to be there is missing."""
    for name in names:
        if name not in inputs:
            raise complaints.unknown(what, name, inputs)
    if len(there := set(names)) < len(names):
        raise errors.InputInvalid(f"a {what} is there twice")
    if absent := [name for name, column in inputs.items() if name not in there and (column.required or column.shape)]:
        raise complaints.missing(what, absent)
