"""Profiles counted once more from the Parquet files: of a log whose catalogue was lost, and of hours with somebody erased.

The catalogue notes which rows of which files are due, and how far each file has been counted, in the transaction with what was
counted of it: a kill loses no row and counts none twice. A row group at a time, for a part of each upkeep, so that memory is
bounded and gateways' records go on being recorded.

Inputs and outputs are read from the typed columns, since bodies may not have been kept. So what is counted is what the log keeps:
of a column that is sampled by itself less than was counted when it came, of columns that were encrypted nothing, as before.
Called by the recorder, when nothing is open in its transaction.
"""

import functools
import itertools
import logging
import pathlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.core.stats import seasons
from tidegate.core.vocabulary import arms, ids, keeping, marks, profiles, records
from tidegate.dataplane.predlog import catalogue, ciphers, columns, intact, objects, parquet
from tidegate.observability.profiling import hourly, oddness, sketching
from tidegate.observability.reading import bodies, outputs
from tidegate.observability.recording import mending

BUSY_SECONDS = 0.5
"""For how long it counts at one go, about: gateways' records wait meanwhile."""
_BODIES = frozenset({"input", "output"})
_READ = 20_000
"""Rows of inputs after which what was counted is saved."""
log = logging.getLogger(__name__)
Keeps = Callable[[str], keeping.Keeping]


class Recounting:
    """Of all endpoints."""

    def __init__(
        self,
        folder: pathlib.Path,
        known: catalogue.Catalogue,
        counted: hourly.Profiles,
        odd: oddness.Oddness,
        reader: bodies.Reader,
    ) -> None:
        """`folder`: the log's. `reader`: it says by which signature a bundle's inputs were taken."""
        self._log, self._known, self._counted, self._odd, self._reader = folder, known, counted, odd, reader

    @property
    def pending(self) -> bool:
        """Whether anything is still to be counted."""
        return bool(self._known.recounts(1))

    def again(self, endpoint: str, arrived: Iterable[float], now: float) -> None:
        """Forget what was counted in the hours of these arrivals (Unix seconds), and have what files hold of them counted anew.

        In the caller's transaction. Where sketches are days by now, the whole day is counted anew.
        """
        folded = seasons.floor(now - sketching.HOURS_KEPT, seasons.DAY)
        spans = {(seasons.floor(at, size), size) for at in arrived for size in (seasons.DAY if at < folded else seasons.HOUR,)}
        for since, size in sorted(spans):
            until = since + size
            self._counted.forget(endpoint, since, until)
            around = (ids.uuid7(max(0, edge) * 1_000, 0) for edge in (since - seasons.HOUR, until + seasons.HOUR))
            least, most = around
            self._known.recount(self._known.files(parquet.PREDICTIONS, endpoint, least=least, most=most), since, until)

    def step(self, keeps: Keeps, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Go on for a while. `keeps`: what an endpoint keeps of inputs. `name`: the beginning of new files' names.

        Raises OSError and sqlite3.Error.
        """
        until, number = clock() + BUSY_SECONDS, 0
        while clock() < until and (due := self._known.recounts(1)):
            number += 1
            try:
                self._go_on(due[0], keeps)
            except (pa.ArrowException, OSError) as broken:
                self._known.rollback()
                if not intact.is_damage(broken):
                    raise
                self._pass_over(due[0], f"{name}-c{number}", broken)

    def _go_on(self, due: catalogue.Recount, keeps: Keeps) -> None:
        """Count the next row group of a file."""
        found = _next(self._log / due.path, due)
        self._known.begin()
        if found is not None:
            rows, last = found
            self._count(rows, keeps)
            self._known.recounted(due, last)
        else:
            self._known.recounted(due)
        self._known.commit()

    def _pass_over(self, due: catalogue.Recount, name: str, broken: Exception) -> None:
        """What can be saved of a damaged file is counted in its turn; what cannot be read although it is whole, is not."""
        file = next(one for one in self._known.files(parquet.PREDICTIONS) if one.path == due.path)
        why = intact.differs(self._log, file)
        if why:
            mending.set_aside(self._known, file, why, name)
            return
        log.error("a file cannot be counted", exc_info=broken, extra={"file": due.path})
        self._known.recounted(due)

    def _count(self, rows: pa.Table, keeps: Keeps) -> None:
        """Count requests that were answered well, in the open transaction."""
        plain = [one for one in rows.schema.names if not one.startswith((columns.PREFIX, columns.OUTPUT)) and one != oddness.NAME]
        bare = rows.select(plain)
        bare = bare.set_column(plain.index("arrived"), "arrived", bare["arrived"].cast(pa.int64()))
        told = [parquet.prediction(row | dict.fromkeys(_BODIES, "")) for row in bare.to_pylist()]
        typed = _Typed(self._log, rows, told, self._reader, self._counted)
        scores = rows[oddness.NAME].to_pylist() if oddness.NAME in rows.schema.names else [None] * len(told)
        begin = 0
        for end in _ends(told):
            some = told[begin:end]
            self._counted.take(some, keeps, typed.read)
            self._odd.again(some, scores[begin:end])
            self._counted.save()
            self._odd.save()
            begin = end


class _Typed:
    """Inputs and outputs of some requests as their typed columns have them."""

    def __init__(
        self,
        folder: pathlib.Path,
        rows: pa.Table,
        told: Sequence[records.Prediction],
        reader: bodies.Reader,
        counted: hourly.Profiles,
    ) -> None:
        self._log, self._reader, self._counted = folder, reader, counted
        self._places = {one.id: at for at, one in enumerate(told)}
        prefixed = [one for one in rows.schema.names if one.startswith(columns.PREFIX)]
        self._lists = {one.removeprefix(columns.PREFIX): rows[one].to_pylist() for one in prefixed}
        self._outputs = {one: rows[one].to_pylist() for one in rows.schema.names if one.startswith(columns.OUTPUT)}

    def read(self, several: Sequence[records.Prediction]) -> dict[str, list[Any]]:
        """By column, the values of requests to one bundle, as far as they are kept in the clear."""
        found = self._inputs(several)
        series = self._reader.series(several[0].digest)
        known = self._counted.frames(several[0].endpoint)
        for name in filter(profiles.is_output, (*series.numbers, *series.words) if series else known):
            lists = self._outputs.get(outputs.column(name), ())
            values = [value for one in several for value in (lists and lists[self._places[one.id]]) or ()]
            found |= {name: values} if values else {}
        return found

    def _inputs(self, several: Sequence[records.Prediction]) -> dict[str, list[Any]]:
        first = several[0]
        signature = self._reader.takes(first.digest)
        if signature is not None and signature.kind != "columns":
            return {}  # rows of tensors are in no profile
        wanted = [one.name for one in signature.inputs] if signature else list(self._counted.frames(first.endpoint))
        found = {}
        for name in wanted:
            lists = self._lists.get(name)
            if lists is not None:
                each = ((one, lists[self._places[one.id]]) for one in several)
                found[name] = [self._plain(one, value) for one, values in each for value in values or () if not _is_hidden(value)]
        return {name: values for name, values in found.items() if values}

    def _plain(self, one: records.Prediction, value: Any) -> Any:
        """A value as it came: a long text lies beside the log."""
        if not isinstance(value, str) or not value.startswith(objects.REFERENCE):
            return value
        day = parquet.day(ids.milliseconds(one.id) / 1e3)
        whole = objects.get(objects.folder(self._log, one.endpoint, day), value)
        return value if whole is None else whole.decode("utf-8", "replace")


def _is_hidden(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(ciphers.PREFIX)


def _ends(told: Sequence[records.Prediction]) -> list[int]:
    """Where to save, so that so many rows are in memory at most."""
    rows = itertools.accumulate(one.rows for one in told)
    parts = [total // _READ for total in rows]
    return [at for at in range(1, len(told)) if parts[at] != parts[at - 1]] + [len(told)]


def _next(path: pathlib.Path, due: catalogue.Recount) -> tuple[pa.Table, str] | None:
    """The next rows of a file that are due, and the last id up to which that is all; None: none are left. Without bodies."""
    with pq.ParquetFile(path) as opened:
        names = [one for one in opened.schema_arrow.names if one not in _BODIES]
        for group in range(opened.num_row_groups):
            known = opened.read_row_group(group, columns=["id", "arrived", "role", "mark"])
            chosen = _chosen(known, due)
            if pc.any(chosen).as_py():
                return opened.read_row_group(group, columns=names).filter(chosen), known["id"][-1].as_py()
    return None


def _chosen(rows: pa.Table, due: catalogue.Recount) -> pa.ChunkedArray:
    """Which rows are due: live requests of that time that were answered well, and are not counted yet."""
    at = rows["arrived"].cast(pa.int64())
    conditions = (
        pc.greater(rows["id"], due.after),
        pc.greater_equal(at, due.since * 10**9),
        pc.less(at, min(due.until * 10**9, 2**63 - 1)),
        pc.equal(rows["role"], int(arms.Role.LIVE)),
        pc.equal(rows["mark"], int(marks.Mark.OK)),
    )
    return functools.reduce(pc.and_, conditions)
