"""Explanations as Parquet beside the log, by endpoint and by day (UTC) of the prediction, under its id.

    HOME/explanations/endpoint=E/day=YYYY-MM-DD/FIRST-LAST-NAME.parquet    FIRST, LAST: the least and greatest id in it

A file appears whole and is never changed; many small ones become one. What is there twice counts as it was computed last. The
columns are in docs/formats.md; `body` is the whole explanation as JSON. Written by one watch of the monitor, cleared by the
recorder of what people ask to be forgotten, read by trace, `explain` and whoever likes: nothing of the log needs them.
"""

import contextlib
import fcntl
import os
import pathlib
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.core.vocabulary import explanations, ids
from tidegate.dataplane.predlog import intact, parquet

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("row", pa.int64()),
        ("version", pa.string()),
        ("digest", pa.string()),
        ("agreement", pa.string()),
        ("subject", pa.string()),
        ("score", pa.float64()),
        ("base", pa.float64()),
        ("exact", pa.bool_()),
        ("columns", pa.list_(pa.string())),
        ("contributions", pa.list_(pa.float64())),
        ("at", pa.timestamp("us", "UTC")),
        ("body", pa.string()),
    ]
)
FILES_MOST = 50
"""Files of one day; one more, and they are merged."""
_TRIES = 5
_decode = msgspec.json.Decoder(explanations.Explanation).decode


def write(folder: pathlib.Path, told: Sequence[explanations.Explanation]) -> None:
    """Keep explanations of one endpoint. Whole files are on the disk when this returns. Raises OSError."""
    by_day: dict[str, list[explanations.Explanation]] = {}
    for one in told:
        by_day.setdefault(parquet.day(ids.milliseconds(_id(one)) / 1e3), []).append(one)
    with _alone(folder):
        for day, mine in by_day.items():
            there = folder / f"endpoint={mine[0].endpoint}" / f"day={day}"
            _place(there, pa.Table.from_pylist([_row(one) for one in sorted(mine, key=_id)], SCHEMA))
            _merge(there)


def find(folder: pathlib.Path, prediction_id: bytes) -> tuple[explanations.Explanation, ...]:
    """What is kept of a prediction, by row."""
    day, shown, wanted = parquet.day(ids.milliseconds(prediction_id) / 1e3), ids.text(prediction_id), prediction_id.hex()
    for _ in range(_TRIES):
        found: dict[int, explanations.Explanation] = {}
        try:
            for path in folder.glob(f"endpoint=*/day={day}/*{parquet.SUFFIX}"):
                first, last, _ = path.name.split("-")
                if first <= wanted <= last:
                    table = pq.read_table(path, columns=["body"], filters=[("id", "=", shown)], partitioning=None)
                    for body in table["body"].to_pylist():
                        _newest(found, _decode(body))
        except FileNotFoundError:  # merged meanwhile
            continue
        except (pa.ArrowException, ValueError, OSError):
            return ()  # damaged: it can be computed again
        return tuple(found[row] for row in sorted(found))
    return ()


def forget(folder: pathlib.Path, gone: Collection[bytes]) -> list[str]:
    """Delete what is kept of these predictions; whose the explanations were, one an explanation. Raises OSError.

    A file that cannot be read may hold some, and goes as a whole: explanations can be computed again.
    """
    if not gone or not folder.is_dir():
        return []
    days = {parquet.day(ids.milliseconds(one) / 1e3) for one in gone}
    shown = [ids.text(one) for one in gone]
    with _alone(folder):
        paths = [path for day in sorted(days) for path in sorted(folder.glob(f"endpoint=*/day={day}/*{parquet.SUFFIX}"))]
        return [one for path in paths for one in _without(path, shown)]


def _without(path: pathlib.Path, shown: Sequence[str]) -> list[str]:
    """Rewrite a file without these ids; those of the rows that went."""
    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, ValueError, OSError) as failed:
        if isinstance(failed, OSError) and not intact.is_damage(failed):
            raise
        path.unlink()
        return []
    mask = pc.is_in(table["id"], pa.array(shown))
    kept, went = table.filter(pc.invert(mask)), table["id"].filter(mask).to_pylist()
    if not went:
        return []
    if kept.num_rows:
        _place(path.parent, kept)
    path.unlink()
    return list(went)


def expire(folder: pathlib.Path, endpoint: str, before: str) -> None:
    """Delete an endpoint's days before one."""
    due = [path for path in (folder / f"endpoint={endpoint}").glob("day=*") if path.name.removeprefix("day=") < before]
    if due:
        with _alone(folder):
            for path in due:
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
    """One process at a time changes files: else what one deletes another would bring back by merging what it has read before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _newest(found: dict[int, explanations.Explanation], one: explanations.Explanation) -> None:
    if one.row not in found or found[one.row].at <= one.at:
        found[one.row] = one


def _id(one: explanations.Explanation) -> bytes:
    return ids.parse(one.id) or b""


def _row(one: explanations.Explanation) -> dict[str, object]:
    parts = one.explained.contributions
    return {
        "id": one.id,
        "row": one.row,
        "version": one.version,
        "digest": one.digest,
        "agreement": one.agreement,
        "subject": one.explained.subject,
        "score": one.explained.score,
        "base": one.explained.base,
        "exact": one.explained.exact,
        "columns": [part.name for part in parts],
        "contributions": [part.contribution for part in parts],
        "at": int(one.at * 1e6),
        "body": msgspec.json.encode(one).decode(),
    }


def _place(folder: pathlib.Path, table: pa.Table) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown = sorted(table["id"].to_pylist())
    first, last = (one.replace("-", "") for one in (shown[0], shown[-1]))
    path = folder / f"{first}-{last}-{secrets.token_hex(6)}{parquet.SUFFIX}"
    parquet.put(path, table)


def _merge(folder: pathlib.Path) -> None:
    """Many files of a day as one; each of them that cannot be read is left alone."""
    files = sorted(folder.glob(f"*{parquet.SUFFIX}"))
    if len(files) <= FILES_MOST:
        return
    whole: list[tuple[pathlib.Path, pa.Table]] = []
    for path in files:
        with contextlib.suppress(pa.ArrowException, OSError, ValueError):
            whole.append((path, pq.read_table(path, partitioning=None)))
    _place(folder, _unique(table for _, table in whole))
    for path, _ in whole:
        path.unlink()


def _unique(tables: Iterable[pa.Table]) -> pa.Table:
    """Each explanation once, as it was computed last; by id."""
    kept: dict[tuple[str, int], dict[str, object]] = {}
    for row in pa.concat_tables(list(tables)).sort_by("at").to_pylist():
        kept[(row["id"], row["row"])] = row
    return pa.Table.from_pylist([kept[key] for key in sorted(kept)], SCHEMA)
