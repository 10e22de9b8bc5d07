"""Segments: the prediction log as gateways write it, an append-only file of checksummed records. Standard library and msgspec.

    file    8 bytes magic | u32 head bytes | u32 crc32(head) | head: msgpack [version, host, incarnation, number, first sequence]
    record  u32 payload bytes | u32 crc32(kind, payload) | u8 kind (1 prediction, 2 outcome) | payload: msgpack     little-endian

What follows the last record is the end of the file, or zeros to the end: a writer that syncs often writes them ahead.
One gateway boot writes <incarnation>-000000.seg, -000001.seg, ... A segment is never changed once the next one exists,
and its writer holds a lock (flock) on the one it writes, so that nobody deletes it before the writer is dead.
Called by the gateway (Writer) and by the recorder and the reader (the rest).
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from tidegate.core.vocabulary import errors, records, room
from tidegate.dataplane.wire import ends, holding

Record = records.Prediction | records.Outcome

MAGIC = b"TGSEG\r\n\x00"
VERSION = 1
ROTATE_BYTES = 64 << 20
RECORD_MAX = 1 << 30
SHORT = "The prediction log is not written: the disk is almost full."
ROOM_SECONDS = 0.25
"""Between two looks at how much room the disk has."""
FREED = 2.0
"""How many times as much must be free again before more is written, so that it does not go to and fro."""
AHEAD_BYTES = 1 << 20
"""Zeros written ahead at once."""
TURN = ".turn"
"""A file beside the segments: whoever touches it asks writers to end theirs."""
PREDICTION, OUTCOME = 1, 2
_FILE = struct.Struct("<8sII")
_RECORD = struct.Struct("<IIB")
_SEED = {kind: zlib.crc32(bytes([kind])) for kind in (PREDICTION, OUTCOME)}
_KINDS: dict[type, int] = {records.Prediction: PREDICTION, records.Outcome: OUTCOME}
_DECODERS: dict[int, msgspec.msgpack.Decoder[Record]] = {
    PREDICTION: msgspec.msgpack.Decoder(records.Prediction),
    OUTCOME: msgspec.msgpack.Decoder(records.Outcome),
}
_BEGIN = re.compile(rb"[\x01\x02][\x90-\x9f\xdc\xdd]")  # a kind and the first byte of a msgpack array
_CHUNK = 4 << 20
_ZEROS = bytes(AHEAD_BYTES)
_encode = msgspec.msgpack.Encoder().encode
_crc, _pack = zlib.crc32, _RECORD.pack
_datasync = getattr(os, "fdatasync", os.fsync)


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Who wrote a segment."""

    version: int
    host: str
    incarnation: str
    number: int
    """0, 1, 2, ... within the incarnation."""
    first: int
    """Sequence of the first record that may be in it."""


def name(incarnation: str, number: int) -> str:
    """The file name of one segment."""
    return f"{incarnation}-{number:06d}.seg"


def listing(folder: pathlib.Path) -> dict[str, list[tuple[int, pathlib.Path]]]:
    """The segments of a folder by incarnation, each in the order written: (number, path). Other files are left alone."""
    found: dict[str, list[tuple[int, pathlib.Path]]] = {}
    for path in sorted(folder.glob("*-*.seg")):
        incarnation, _, number = path.stem.rpartition("-")
        if number.isdigit():
            found.setdefault(incarnation, []).append((int(number), path))
    return {incarnation: sorted(paths) for incarnation, paths in found.items()}


def pack(record: Record) -> bytes:
    """One record as bytes."""
    kind = _KINDS[type(record)]
    payload = _encode(record)
    return _pack(len(payload), _crc(payload, _SEED[kind]), kind) + payload


class Writer:
    """Appends records for one gateway boot. Not for two threads, but `reserve` and `sync` may run in another one than `append`.

    `sequence` is the next record's number: the caller numbers its records from there on. A caller that goes on without a
    record it could not append skips its number with `lose`, so that the recorder sees the gap and reports the loss.
    """

    def __init__(self, folder: pathlib.Path, host: str, incarnation: str, rotate_bytes: int = ROTATE_BYTES) -> None:
        """The first file is made by the first append, so that a full disk does not keep a gateway from starting."""
        self.folder, self.host, self.incarnation, self.rotate_bytes = folder, host, incarnation, rotate_bytes
        self.sequence = 0
        self._number = 0
        self._file = -1
        self._size = 0
        self._blank = 0
        """Up to here the file has zeros behind its records."""
        self._short, self._looked_at = False, -ROOM_SECONDS
        self._lock = threading.Lock()
        self._retired: list[int] = []
        self._entered = False
        self._end = ends.Page(folder, host, incarnation)

    @property
    def short(self) -> bool:
        """Whether the disk has so little room that nothing is written to it; looked at a few times a second."""
        now = time.monotonic()
        if now - self._looked_at >= ROOM_SECONDS:
            self._looked_at = now
            with contextlib.suppress(OSError):  # a folder that is gone is the next append's to tell
                self._short = room.short(self.folder, FREED if self._short else 1.0)
        return self._short

    def append(self, batch: Sequence[Record]) -> None:
        """Write records with one system call: once this returns they outlive this process.

        Raises LogUnavailable when the disk takes no more, or has little room left. The file then ends with a whole record, and
        exactly the records of the batch whose sequence is below `self.sequence` are in it.
        """
        if not batch:
            return
        if self.short:
            raise errors.LogUnavailable(SHORT)
        if self._file < 0 or self._size >= self.rotate_bytes:
            self._rotate(batch[0].sequence)
        parts = [pack(record) for record in batch]
        data = b"".join(parts)
        try:
            with self._lock:
                written = os.pwrite(self._file, data, self._size)
                self._size += written if written == len(data) else 0
        except OSError as failed:
            self._mend(batch, parts, 0)
            raise errors.LogUnavailable(f"The prediction log cannot be written: {failed.strerror}.") from failed
        if written < len(data):
            self._mend(batch, parts, written)
            raise errors.LogUnavailable("The prediction log cannot be written: the disk is full.")
        self.sequence = batch[-1].sequence + 1

    def lose(self, count: int = 1) -> None:
        """Skip the numbers of records that were answered but could not be appended."""
        self._end.lose(self.sequence, count)
        self.sequence += count

    def reserve(self) -> None:
        """Write zeros ahead of the records where few are left: syncing a file that has not grown is many times as fast."""
        with self._lock:
            begin = max(self._blank, self._size)
            if self._file >= 0 and begin - self._size < AHEAD_BYTES // 4:
                with contextlib.suppress(OSError):  # a full disk is the next append's to tell
                    self._blank = begin + os.pwrite(self._file, _ZEROS, begin)

    def sync(self) -> None:
        """Put on the disk itself what was appended before. Raises LogUnavailable when the disk refuses."""
        retired, self._retired = self._retired, []
        entered, self._entered = self._entered, False
        try:
            for file in (*retired, self._file):
                if file >= 0:
                    _datasync(file)
            if entered:
                _sync_folder(self.folder)
        except OSError as failed:
            self._entered = self._entered or entered
            raise errors.LogUnavailable(f"The prediction log cannot be synced: {failed.strerror}.") from failed
        finally:
            for file in retired:
                os.close(file)

    @property
    def asked(self) -> int:
        """When somebody last asked for segments to be ended, in Unix nanoseconds; 0: never."""
        try:
            return (self.folder / TURN).stat().st_mtime_ns
        except OSError:
            return 0

    def end(self) -> None:
        """Let go of the segment in use, if there is one: with the next sync it has ended. The next append begins another."""
        if self._file >= 0:
            self._trim()
            with self._lock:
                self._retired.append(self._file)
                self._file = -1

    def close(self) -> None:
        """Sync and close."""
        try:
            self._trim()
            self.sync()
        finally:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
            self._end.close()

    def _rotate(self, first: int) -> None:
        """Begin the next segment; the old one stays in use when that fails."""
        self._end.reserve()
        path = self.folder / name(self.incarnation, self._number)
        scratch = path.with_name(f"{path.name}.new")
        head = _encode(Head(VERSION, self.host, self.incarnation, self._number, first))
        data = _FILE.pack(MAGIC, len(head), _crc(head)) + head
        file = -1
        try:
            file = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            scratch.rename(path)  # it is seen only once it is locked: one that nobody holds counts as ended
        except OSError as failed:
            if file >= 0:
                os.close(file)
                scratch.unlink(missing_ok=True)
            raise errors.LogUnavailable(f"The prediction log cannot be written: {failed.strerror}.") from failed
        if self._file >= 0:
            self._trim()
            self._retired.append(self._file)
        with self._lock:
            self._file, self._size, self._blank, self._entered = file, len(data), 0, True
        self._number += 1

    def _mend(self, batch: Sequence[Record], parts: list[bytes], written: int) -> None:
        """Keep the whole records of a short write, since the recorder may have read them already, and cut the rest off."""
        whole = 0
        for record, part in zip(batch, parts, strict=True):
            if whole + len(part) > written:
                break
            whole += len(part)
            self.sequence = record.sequence + 1
        with self._lock:
            self._size += whole
            self._blank = 0
            try:
                os.ftruncate(self._file, self._size)
            except OSError:  # the tail stays torn: nothing may follow it, so the next append begins a new segment
                self._retired.append(self._file)
                self._file = -1

    def _trim(self) -> None:
        """Cut the zeros off: nothing more comes."""
        with self._lock, contextlib.suppress(OSError):
            if self._file >= 0 and self._blank > self._size:
                os.ftruncate(self._file, self._size)
            self._blank = 0


def in_use(path: pathlib.Path) -> bool:
    """Whether the process that writes this segment is alive and has not gone on to the next one (and synced this one)."""
    try:
        return holding.in_use(path)
    except FileNotFoundError:
        return False


def head(path: pathlib.Path) -> tuple[Head, int] | None:
    """Who wrote a segment, and the offset of its first record; None while the head is not whole.

    Raises SegmentCorrupt when the file is no segment, ProtocolMismatch when it is a later format's, FileNotFoundError.
    """
    with path.open("rb") as file:
        raw = file.read(_FILE.size + 4096)
    if len(raw) < _FILE.size:
        return None
    magic, size, check = _FILE.unpack_from(raw)
    if magic != MAGIC or size > 4096:
        raise errors.SegmentCorrupt("This is not a segment of a prediction log.", where=str(path))
    told = raw[_FILE.size : _FILE.size + size]
    if len(told) < size:
        return None
    if _crc(told) != check:
        raise errors.SegmentCorrupt("The head of the segment does not match its checksum.", where=str(path))
    version = msgspec.msgpack.decode(told)[0]
    if version > VERSION:
        raise errors.ProtocolMismatch(f"the segment {path.name} has format {version}, this process reads {VERSION}")
    return msgspec.msgpack.decode(told, type=Head), _FILE.size + size


def read(path: pathlib.Path, offset: int = 0) -> Iterator[tuple[int, Record]]:
    """The records from an offset on (0: from the first), each with the offset behind it; ends quietly at a torn tail.

    Raises SegmentCorrupt where a record in the middle does not match its checksum (go on at `skip`), ProtocolMismatch.
    """
    if not offset:
        known = head(path)
        if known is None:
            return
        offset = known[1]
    with path.open("rb") as file:
        end, size = os.fstat(file.fileno()).st_size, _CHUNK
        while offset < end:
            file.seek(offset)
            data = file.read(min(size, end - offset))
            begin = offset
            for used, record in _records(path, data, begin):
                offset = begin + used
                yield offset, record
            if offset == begin:
                need = _RECORD.size + _RECORD.unpack_from(data)[0] if len(data) >= _RECORD.size else 0
                if not len(data) < need <= end - begin:
                    return
                size = need


def _records(path: pathlib.Path, data: bytes, base: int) -> Iterator[tuple[int, Record]]:
    """The whole records in `data`, which lies at `base` of the file."""
    at, size = 0, len(data)
    view = memoryview(data)
    while size - at >= _RECORD.size:
        length, check, kind = _RECORD.unpack_from(data, at)
        begin = at + _RECORD.size
        if kind not in _SEED or length > RECORD_MAX:
            if _blank(path, base + at):
                return  # zeros written ahead, or what a power cut leaves of blocks that were never written
            raise _corrupt(path, base + at)
        if length > size - begin:
            return
        payload = view[begin : begin + length]
        if _crc(payload, _SEED[kind]) != check:
            if _blank(path, base + begin + length):
                return  # torn, or being written at this moment
            raise _corrupt(path, base + at)
        try:
            record = _DECODERS[kind].decode(payload)
        except ValueError as wrong:
            raise _corrupt(path, base + at) from wrong
        at = begin + length
        yield at, record


def _blank(path: pathlib.Path, offset: int) -> bool:
    """Whether there are only zeros from an offset to the file's end, or nothing."""
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(_CHUNK):
            if chunk.count(0) < len(chunk):
                return False
    return True


def skip(path: pathlib.Path, offset: int) -> int:
    """The offset of the next whole record behind a damaged one at `offset`; the file's size when there is none."""
    data = path.read_bytes()
    for found in _BEGIN.finditer(data, offset + _RECORD.size):
        at = found.start() - (_RECORD.size - 1)
        length, check, kind = _RECORD.unpack_from(data, at)
        begin = at + _RECORD.size
        if length <= len(data) - begin and _crc(data[begin : begin + length], _SEED[kind]) == check:
            return at
    return len(data)


def _corrupt(path: pathlib.Path, offset: int) -> errors.SegmentCorrupt:
    return errors.SegmentCorrupt(f"The record at byte {offset} does not match its checksum.", where=str(path))


def _sync_folder(folder: pathlib.Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
