"""Training data, read in pieces: CSV, Parquet or a folder of Parquet files, on this machine or where Arrow's file systems reach.

Columns come as the model's signature has them; nothing is kept of any other that the data has.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet as pq

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.training import digests, training

ROWS = 16_384
"""Of a piece."""
CELLS = 1 << 20
"""Of a piece: of very many columns it has fewer rows."""
BUFFERED, BUFFER = 64 << 20, 1 << 20
"""Bytes that are read ahead of Parquet: of all columns, and of one at the most."""
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
            self._system, self._path = _placed(source)
            self._data = _opened(self._system, self._path, columns)
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
        read = self._parquet if self._data.format.default_extname == "parquet" else self._csv
        try:
            for batch in read(names, rows):
                if batch.num_rows:
                    yield {one.name: self._column(one, batch.column(one.name)) for one in self.columns}
        except (OSError, pa.ArrowException, ValueError) as failed:
            raise self._unreadable(failed) from failed

    def stamps(self) -> list[tuple[str, int, int | None]]:
        """(path, bytes, time of the last change) of all its files, as they are now. Raises ModelSourceInvalid."""
        try:
            whole = self._system.get_file_info(self._path)
            files = [whole] if whole.is_file else self._system.get_file_info(_below(self._system, self._path))
            return sorted((one.path, one.size, one.mtime_ns) for one in files)
        except (OSError, pa.ArrowException) as failed:
            raise self._unreadable(failed) from failed

    def _csv(self, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        yield from self._data.to_batches(
            columns=names, batch_size=rows, batch_readahead=1, fragment_readahead=1, use_threads=False
        )

    def _parquet(self, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """File by file, a page of each column at a time: a data set's own scanner holds a whole row group."""
        buffer = max(1 << 14, min(BUFFER, BUFFERED // len(names)))
        for part in self._data.get_fragments():
            told = pyarrow.dataset.get_partition_keys(part.partition_expression)
            with part.open() as file, pq.ParquetFile(file, buffer_size=buffer, pre_buffer=False) as opened:
                there = [name for name in names if name in opened.schema_arrow.names]
                for batch in opened.iter_batches(rows, columns=there, use_threads=False):
                    columns = {name: batch.column(name) for name in there}
                    for name in names:
                        if name not in columns:
                            value = pa.scalar(told.get(name), self._data.schema.field(name).type)
                            columns[name] = pa.repeat(value, batch.num_rows)
                    yield pa.record_batch(columns)

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


def _placed(source: str) -> tuple[Any, str]:
    """(its file system, its path there)"""
    near = digests.local(source)
    return (pyarrow.fs.LocalFileSystem(), str(near)) if near else pyarrow.fs.FileSystem.from_uri(source)


def _below(system: Any, path: str) -> list[str]:
    """The files of a folder."""
    if isinstance(system, pyarrow.fs.LocalFileSystem) and pathlib.Path(path).is_dir():
        # As it is digested: links to folders may go round in circles.
        return [str(one) for one in pathlib.Path(path).rglob("*") if one.is_file()]
    return [one.path for one in system.get_file_info(pyarrow.fs.FileSelector(path, recursive=True)) if one.is_file]


def _opened(system: Any, path: str, columns: Sequence[manifests.Column]) -> Any:
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
    named = sorted(one for one in _below(system, path) if one.lower().endswith(PARQUET))
    if not named:
        raise ValueError("it is a folder without a Parquet file")
    whole = {"partitioning": "hive", "partition_base_dir": path}
    return pyarrow.dataset.dataset(named, filesystem=system, format="parquet", **whole)


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
