"""Whether a Parquet file is still what was written, and what can be saved of one that is not.

Called by upkeep (before merging, and file by file as time goes by) and by the reader, for what it gives out record by record and
when a query has failed.
"""

import pathlib

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.dataplane.predlog import engine, parquet, seals


def is_damage(failed: Exception) -> bool:
    """Whether a failure says that what was read is not what was written, and not that the disk refuses.

    Arrow says the former in errors of its own, and of compressed pages in a plain OSError that has no number.
    """
    return isinstance(failed, pa.ArrowException) or (type(failed) is OSError and failed.errno is None)


def differs(log: pathlib.Path, file: parquet.File) -> str:
    """How a file is not the one that was written, in words; empty where it is. Raises OSError for a disk that cannot be read."""
    path = log / file.path
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if not file.seal:  # of a catalogue that does not know it yet
        return "" if readable(path) else "cannot be read"
    if size != file.stored:
        return f"has {size:,} bytes instead of {file.stored:,}"
    return "" if all(seals.intact(path, file.seal)) else "does not match its checksums"


def gone(log: pathlib.Path, file: parquet.File) -> bool:
    """Whether a file is missing or of another size: what costs one look at its folder."""
    try:
        return bool(file.seal) and (log / file.path).stat().st_size != file.stored
    except FileNotFoundError:
        return True


def readable(path: pathlib.Path) -> bool:
    """Whether Arrow and DuckDB read a Parquet file whole, as rows of its table: less than being what was written."""
    try:
        rows = pq.read_table(path, partitioning=None)
        rows.validate(full=True)
        if not parquet.fits(rows, parquet.OUTCOMES if parquet.OUTCOMES in path.parts else parquet.PREDICTIONS):
            return False
        with engine.asked() as connection:
            ask = "SELECT * FROM read_parquet($path, hive_partitioning = false)"
            told = connection.execute(ask, {"path": str(path)})
            while told.fetchmany(parquet.ROW_GROUP):
                continue
    except (pa.ArrowException, duckdb.Error, OSError, ValueError):
        return False
    return True


def rows(log: pathlib.Path, file: parquet.File) -> pa.Table | None:
    """The row groups of a damaged file that are as they were written; None where there are none.

    Without its footer nothing is told of a file.
    """
    path = log / file.path
    try:
        *whole, footer = seals.intact(path, file.seal) or [False]
        if not footer:
            return None
        with pq.ParquetFile(path) as damaged:
            groups = [damaged.read_row_group(at) for at, good in enumerate(whole) if good]
    except (pa.ArrowException, OSError, ValueError):
        return None
    return pa.concat_tables(groups) if groups else None


def saved(log: pathlib.Path, name: str, file: parquet.File) -> parquet.File | None:
    """What is left of a damaged file as a new one; None where nothing is. Raises OSError as writing does."""
    left = rows(log, file)
    return parquet.rewritten(log, name, file, left) if left is not None and left.num_rows else None
