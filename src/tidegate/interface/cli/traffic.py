"""Making traffic: bodies from a file, from the log or from the model's example, sent at an even rate, counted on this side."""

import asyncio
import collections
import csv
import dataclasses
import datetime as dt
import decimal
import itertools
import json
import math
import pathlib
import random
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.predlog import reader
from tidegate.interface.cli import curl, words
from tidegate.interface.demo import client

LOGGED, MIXED = 200, 2_000
"""Logged requests that are sent again, at most; requests made from an example's rows, each column of another row. A shadow, for
one, learns nothing from the same few inputs again and again.
"""
KEPT = 20_000
"""Latencies that percentiles are of: the latest."""
SHOW_SECONDS = 0.5
PARQUET = frozenset({".parquet", ".pq"})
"""How the names of Parquet files end."""


@dataclasses.dataclass(frozen=True)
class Body:
    """One request to send."""

    path: str
    raw: bytes
    headers: str = ""
    """Further lines, each ending in CRLF."""


@dataclasses.dataclass
class Tally:
    """What became of them."""

    began: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    answered: int = 0
    failed: int = 0
    reasons: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    words: dict[str, str] = dataclasses.field(default_factory=dict)
    """What the first answer of each reason said."""
    versions: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    rescued: int = 0
    latencies: collections.deque[float] = dataclasses.field(default_factory=lambda: collections.deque(maxlen=KEPT))

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the latest answers took at most; 0 before the first."""
        known = sorted(self.latencies)
        return known[min(len(known) - 1, int(share * len(known)))] * 1e3 if known else 0.0

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sent": self.sent,
            "answered": self.answered,
            "failed": self.failed,
            "reasons": dict(self.reasons),
            "words": self.words,
            "versions": dict(self.versions),
            "rescued": self.rescued,
            "seconds": round(self.seconds, 2),
            "rps": round(self.answered / self.seconds, 1) if self.seconds else 0.0,
            "p50_ms": round(self.percentile(0.5), 2),
            "p99_ms": round(self.percentile(0.99), 2),
        }


def bodies(place: home.Home, endpoint: str, digest: str, source: str = "") -> list[Body]:
    """What to send: the rows of `source`, else logged requests, else the example. Raises InputInvalid where there is nothing."""
    plain = f"/endpoints/{endpoint}/predict"
    if source:
        return [Body(plain, row) for row in rows_of(pathlib.Path(source))]
    taken = {"infer": f"/v2/models/{endpoint}/infer", "records": plain, "invocations": f"/endpoints/{endpoint}/invocations"}
    logged = [Body(taken[content], raw) for content, raw in reader.sample(place, endpoint, LOGGED) if content in taken]
    rows = curl.example(place, digest)
    made = [Body(plain, _record(row)) for row in (*rows, *_mixed(rows))]
    found = list(dict.fromkeys(logged + made))
    if not found:
        raise errors.InputInvalid(
            f"the model behind {endpoint} has no example and nothing is logged.", cure="Name rows to send: --from rows.csv"
        )
    return found


def _mixed(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows that have each column from a row of the example, the same ones each time."""
    columns = [name for name in (rows[0] if rows and isinstance(rows[0], dict) else ()) if all(name in row for row in rows)]
    if len(rows) < 2 or len(columns) < 2 or any(len(row) != len(columns) for row in rows):
        return
    chance = random.Random(0)
    for _ in range(MIXED):
        yield {name: chance.choice(rows)[name] for name in columns}


def rows_of(path: pathlib.Path) -> list[bytes]:
    """A body for each row of a Parquet or a CSV file (empty cells are null, numbers are numbers), or each line of JSON lines.

    Raises InputInvalid naming the line.
    """
    try:
        found = _of_parquet(path) if path.suffix.lower() in PARQUET else _of_text(path)
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as unreadable:
        raise errors.InputInvalid(f"the file cannot be read: {words.reason(unreadable)}.", where=str(path)) from unreadable
    if not found:
        raise errors.InputInvalid("the file has no rows.", where=str(path), cure="A CSV file needs a line of column names first.")
    return found


def _of_text(path: pathlib.Path) -> list[bytes]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
            return [_record(_line(path, number, line)) for number, line in enumerate(file, 1) if line.strip()]
        return [_record({name: value(cell) for name, cell in row.items()}) for row in csv.DictReader(file)]


def _of_parquet(path: pathlib.Path) -> list[bytes]:
    with pq.ParquetFile(path) as file:
        rows = file.read().to_pylist()
    try:
        return [_record({name: _plain(cell) for name, cell in row.items()}) for row in rows]
    except TypeError as strange:
        raise errors.InputInvalid(f"a column has what JSON does not: {strange}.", where=str(path)) from strange


def _plain(cell: Any) -> Any:
    """A cell of Parquet as JSON has it: what is no number is null, a time is its text in ISO 8601."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    if isinstance(cell, decimal.Decimal):
        return float(cell)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else cell


def value(cell: str | None) -> Any:
    """A CSV cell as JSON: empty is null, true and false are booleans, what reads as a number is one (1_2 is none)."""
    if cell is None or not cell.strip():
        return None
    text = cell.strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in () if "_" in text else (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if abs(number) < float("inf") else text
    return cell


def _line(path: pathlib.Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as broken:
        raise errors.InputInvalid(f"this line is not JSON: {broken}.", where=f"{path}:{number}") from broken


def _record(row: Any) -> bytes:
    wrapped = row if isinstance(row, dict) and "records" in row else {"records": [row]}
    return json.dumps(wrapped, ensure_ascii=False).encode()


async def send(
    address: str,
    wanted: Callable[[], Sequence[Body]],
    rate: float,
    seconds: float,
    show: Callable[[Tally], None],
    trust: ssl.SSLContext | None = None,
) -> Tally:
    """Send what is `wanted` round and round at `rate` a second for `seconds` (0: until cancelled).

    Twice a second `show` is called, and `wanted` asked, in a thread: as long as it says the same object, the round goes on.
    `trust`: whom to trust at an https:// address. Raises NotRunning when nothing listens at `address`.
    """
    tally = Tally(began=time.perf_counter())
    async with client.Client(address, connections=max(4, min(64, int(rate / 10))), trust=trust) as sender:
        turns = _Turns(sender, wanted)
        showing = asyncio.ensure_future(_show(tally, show))
        renewing = asyncio.ensure_future(turns.renew())
        try:
            await _paced(sender, turns, tally, rate, seconds)
        except asyncio.CancelledError:
            pass
        finally:
            showing.cancel()
            renewing.cancel()
        until = time.perf_counter() + 5
        while sender.counts.pending and time.perf_counter() < until:
            await asyncio.sleep(0.01)
    tally.seconds = time.perf_counter() - tally.began
    return tally


class _Turns:
    """Requests, round and round: those that are wanted now."""

    def __init__(self, sender: client.Client, wanted: Callable[[], Sequence[Body]]) -> None:
        self._sender, self._wanted = sender, wanted
        self._take(wanted())

    def __next__(self) -> bytes:
        return next(self._round)

    async def renew(self) -> None:
        """For as long as nobody cancels it."""
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            bodies = await asyncio.to_thread(self._wanted)
            if bodies is not self._bodies:
                self._take(bodies)

    def _take(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies
        self._round = itertools.cycle([self._sender.request(one.path, one.raw, headers=one.headers) for one in bodies])


async def _paced(sender: client.Client, turns: _Turns, tally: Tally, rate: float, seconds: float) -> None:
    """By the clock, not by the last sleep: a late wake-up sends what is due and the rate stays true."""

    def done(answer: client.Answer) -> None:
        _count(tally, answer)

    while True:
        passed = time.perf_counter() - tally.began
        tally.seconds = passed
        if seconds and passed >= seconds:
            return
        due = int(passed * rate) + 1
        while tally.sent < due:
            tally.sent += 1
            sender.submit(next(turns), done)
        await asyncio.sleep(max(0.001, due / rate - (time.perf_counter() - tally.began)))


def _count(tally: Tally, answer: client.Answer) -> None:
    if answer.ok:
        tally.answered += 1
        tally.latencies.append(answer.seconds)
        tally.versions[answer.header("tidegate-version") or "fallback"] += 1
        tally.rescued += answer.header("tidegate-rescued") == "true"
    else:
        tally.failed += 1
        reason, said = (answer.trouble, _TROUBLES.get(answer.trouble, "")) if answer.trouble else _reason(answer)
        tally.reasons[reason] += 1
        if said:
            tally.words.setdefault(reason, said)


_TROUBLES = {"unsent": "No connection was free in time, so it never left here: no log has it."}


def _reason(answer: client.Answer) -> tuple[str, str]:
    """(status and code, what it says)."""
    try:
        said = json.loads(answer.body)
        return f"{answer.status} {said['code']}", str(said.get("error", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(answer.status), ""


async def _show(tally: Tally, show: Callable[[Tally], None]) -> None:
    while True:
        await asyncio.sleep(SHOW_SECONDS)
        show(tally)
