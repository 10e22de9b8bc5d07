"""Seals: the checksums of a Parquet file by its parts, as it was written. One part a row group, and one the footer, end to end.

Parquet's own page checksums leave headers and footer out, and a flipped bit there is read as other values and not as damage. Kept
in the catalogue. Called by `parquet` and `intact`.
"""

import pathlib
import zlib
from typing import BinaryIO

import pyarrow.parquet as pq

Seal = tuple[tuple[int, int], ...]
"""(end, crc32) of each part, in order; the last part is the footer, and its end the file's."""
_CHUNK = 4 << 20


def of(path: pathlib.Path) -> Seal:
    """The seal of a file as it is now. Raises OSError, pyarrow's errors."""
    with path.open("rb") as file:
        told = pq.read_metadata(file)
        groups = (told.row_group(number) for number in range(told.num_row_groups))
        ends = [max(_end(group.column(at)) for at in range(group.num_columns)) for group in groups]
        size = path.stat().st_size
        begins = [0, *ends]
        return tuple((end, _crc(file, begin, end)) for begin, end in zip(begins, [*ends, size], strict=True))


def intact(path: pathlib.Path, seal: Seal) -> list[bool]:
    """Which parts of a file are as they were sealed. Raises OSError."""
    with path.open("rb") as file:
        begins = [0, *(end for end, _ in seal)]
        return [_crc(file, begin, end) == check for begin, (end, check) in zip(begins, seal, strict=False)]


def _end(column: pq.ColumnChunkMetaData) -> int:
    begin = column.data_page_offset if column.dictionary_page_offset is None else column.dictionary_page_offset
    return int(min(begin, column.data_page_offset) + column.total_compressed_size)


def _crc(file: BinaryIO, begin: int, end: int) -> int:
    file.seek(begin)
    found = 0
    while begin < end and (chunk := file.read(min(_CHUNK, end - begin))):
        found = zlib.crc32(chunk, found)
        begin += len(chunk)
    return found if begin == end else -1
