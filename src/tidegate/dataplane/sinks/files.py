"""Parquet in any file system that Arrow has (s3://, gs://, abfs://, hdfs://, file://) or, with the extra `objects`, fsspec has.

PLACE/predictions/endpoint=E/day=D/HOST-NUMBER.parquet, as the log itself is laid out, so that one query reads the files of all
hosts. A parcel has one name, and is written whole: delivered twice it replaces itself.
"""

import io
import uuid
from typing import Any
from urllib import parse

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import opening, sink

ROW_GROUP = 16_384
OF_ARROW = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file"})


class Files:
    """A folder, or a bucket and a prefix."""

    whole = True

    def __init__(self, address: str, _: str = "") -> None:
        """`address`: as Arrow's file systems or fsspec understand it. Raises SinkInvalid, ExtraMissing."""
        self._system, self._root = system(address)

    def deliver(self, parcel: sink.Parcel) -> None:
        """Write it as one file."""
        kept = io.BytesIO()
        pq.write_table(parcel.rows, kept, row_group_size=ROW_GROUP, compression="zstd")
        place = f"endpoint={parcel.endpoint}/day={parcel.day}" if parcel.endpoint else f"day={parcel.day}"
        folder = f"{self._root}/{parcel.table}/{place}"
        try:
            self._write(folder, f"{parcel.name}.parquet", kept.getvalue())
        except (OSError, pa.ArrowException) as failed:
            raise errors.SinkUnavailable(f"the file cannot be written: {type(failed).__name__}.") from failed

    def _write(self, folder: str, name: str, raw: bytes) -> None:
        """Aside first where files can be renamed: nobody sees half of one. An object store shows none before it is whole."""
        self._system.create_dir(folder, recursive=True)
        aside = f"{folder}/.{name}.{uuid.uuid4().hex}" if isinstance(self._system, pyarrow.fs.LocalFileSystem) else ""
        with self._system.open_output_stream(aside or f"{folder}/{name}") as file:
            file.write(raw)
        if aside:
            self._system.move(aside, f"{folder}/{name}")

    def close(self) -> None:
        """Nothing is open."""


def system(address: str) -> tuple[Any, str]:
    """The file system behind a URL, as Arrow sees it, and the path in it. Raises SinkInvalid, ExtraMissing."""
    scheme = parse.urlsplit(address).scheme
    try:
        if scheme in OF_ARROW:
            known, root = pyarrow.fs.FileSystem.from_uri(address)
            return known, root.rstrip("/")
        fsspec = opening.library("fsspec", "objects")
        found, root = fsspec.core.url_to_fs(address)
    except ImportError as missing:
        raise errors.ExtraMissing(f"fsspec's {scheme}:// needs a package of its own: {missing}.", cure="Install it.") from missing
    except (pa.ArrowException, OSError, ValueError) as wrong:
        raise errors.SinkInvalid(f"no file system is behind {scheme}://, or not with these options.") from wrong
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(found)), root.rstrip("/")
