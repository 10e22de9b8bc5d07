"""Training data, read in pieces: CSV, Parquet or a folder of Parquet files, on this machine or where Arrow's file systems reach.

Columns come as the model's signature has them; nothing is kept of any other that the data has.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.fs

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.registry import digests, training

ROWS = 16_384
"""Of a piece."""
CELLS = 1 << 20
"""Of a piece: of very many columns it has fewer rows."""
CSV, PARQUET = (".csv", ".csv.gz"), (".parquet", ".pq", ".parq")
MISSING = ["", "NA", "NaN", "nan", "null", "None"]
NUMBERS = {"integer": pa.int64(), "long": pa.int64(), "float": pa.float64(), "double": pa.float64()}
_TYPES = {**NUMBERS, "boolean": pa.bool_(), "string": pa.string(), "datetime": pa.string()}
_SPELT = {"boolean": "true or false", "string": "text", "datetime": "times", **dict.fromkeys(NUMBERS, "numbers")}


class Data:
    """One data set, opened."""

    def __init__(self, source: str, columns: Sequence[manifests.Column]) -> None:
        """`source`: a path or a URL. `columns`: those of the model. Raises ModelSourceInvalid."""
        self._source = source
        try:
            self._data = _opened(source, columns)
        except (OSError, pa.ArrowException, ValueError) as failed:
            raise self._unreadable(failed) from failed
        there = self._data.schema.names
        if twice := sorted({name for name in there if there.count(name) > 1}):
            raise errors.ModelSourceInvalid(f"{self._source} has two columns called {twice[0]}.", cure=training.CURE)
        self.columns = [one for one in columns if one.name in there]
        self.lacks = [one.name for one in columns if one.name not in there]

    def pieces(self) -> Iterator[dict[str, pa.Array]]:
        """All rows in order, some thousands at a time, by column. Raises ModelSourceInvalid."""
        names = [one.name for one in self.columns]
        rows = max(256, min(ROWS, CELLS // max(1, len(names))))
        scanned = {"batch_size": rows, "batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}
        if self._data.format.default_extname == "parquet":
            scanned["fragment_scan_options"] = pyarrow.dataset.ParquetFragmentScanOptions(
                pre_buffer=False, use_buffered_stream=True
            )
        try:
            for batch in self._data.to_batches(columns=names, **scanned):
                if batch.num_rows:
                    yield {one.name: self._column(one, batch.column(one.name)) for one in self.columns}
        except (OSError, pa.ArrowException, ValueError) as failed:
            raise self._unreadable(failed) from failed

    def _column(self, one: manifests.Column, values: pa.Array) -> pa.Array:
        """A column as the model takes it. Raises ModelSourceInvalid."""
        values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
        kind, wanted = values.type, _TYPES[one.type]
        if pa.types.is_null(kind):
            return values.cast(wanted)
        if one.type in NUMBERS:
            fits = _number(kind)
        elif one.type == "boolean":
            fits = pa.types.is_boolean(kind)
        elif one.type == "datetime" and pa.types.is_temporal(kind):
            return pc.strftime(values.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
        else:
            fits = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        if not fits:
            raise errors.ModelSourceInvalid(
                f"column {one.name} of {self._source} is {kind}, and the model takes {_SPELT[one.type]}.", cure=training.CURE
            )
        wide = wanted == pa.int64() and (
            not pa.types.is_integer(kind) or kind == pa.uint64()
        )  # more than whole numbers of 64 bits
        return values.cast(pa.float64() if wide else wanted, safe=False)

    def _unreadable(self, failed: Exception) -> errors.ModelSourceInvalid:
        why = (failed.strerror if isinstance(failed, OSError) else "") or str(failed).rpartition("Invalid: ")[2]
        return errors.ModelSourceInvalid(
            f"the training data {self._source} cannot be read: {why[:300].rstrip('.')}.", cure=training.CURE
        )


def stream(source: str) -> Any:
    """The bytes of a file that is elsewhere, as they lie there. Raises IsADirectoryError for a folder, and OSError."""
    system, path = pyarrow.fs.FileSystem.from_uri(source)
    if not system.get_file_info(path).is_file:
        raise IsADirectoryError(source)
    return system.open_input_stream(path, compression=None)


def _opened(source: str, columns: Sequence[manifests.Column]) -> Any:
    near = digests.local(source)
    system, path = (pyarrow.fs.LocalFileSystem(), str(near)) if near else pyarrow.fs.FileSystem.from_uri(source)
    found, name = system.get_file_info(path), path.lower()
    if found.type == pyarrow.fs.FileType.NotFound:
        raise ValueError("there is nothing")
    if found.is_file and name.endswith(CSV):
        types = {one.name: pa.float64() if one.type in NUMBERS else _TYPES[one.type] for one in columns}
        convert = pyarrow.csv.ConvertOptions(column_types=types, null_values=MISSING, strings_can_be_null=True)
        read = pyarrow.dataset.CsvFileFormat(convert_options=convert)
        return pyarrow.dataset.dataset(path, filesystem=system, format=read)
    if found.is_file and name.endswith(PARQUET):
        return pyarrow.dataset.dataset(path, filesystem=system, format="parquet")
    if found.is_file:
        raise ValueError("its name ends like no CSV or Parquet file")
    if near and found.type == pyarrow.fs.FileType.Directory:  # as it is digested: links to folders may go round in circles
        below = [str(one) for one in near.rglob("*") if one.is_file()]
    else:
        selected = system.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
        below = [one.path for one in selected if one.is_file]
    named = sorted(one for one in below if one.lower().endswith(PARQUET))
    if not named:
        raise ValueError("it is a folder without a Parquet file")
    whole = {"partitioning": "hive", "partition_base_dir": path}
    return pyarrow.dataset.dataset(named, filesystem=system, format="parquet", **whole)


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
