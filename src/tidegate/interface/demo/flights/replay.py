"""The year replayed as live traffic: each flight is one request as it leaves, and its outcome follows when it has landed.

The replay's clock shows when the flight that is being sent left. So it runs many times faster than real time by day,
when the airports are busy, and skips through the nights: the request rate is even. An outcome is posted when the clock
has passed the landing, by the prediction id that the flight's request was answered with. Flights that are late report
late, as in life; diverted ones never do.

Everything here is counted on the client's side, from what was sent and what came back.
"""

import asyncio
import collections
import dataclasses
import datetime as dt
import heapq
import time
import typing
import zoneinfo
from collections.abc import Iterator

import msgspec
import numpy as np
import pandas as pd

from tidegate.core.vocabulary import ids
from tidegate.interface.demo import client
from tidegate.interface.demo.flights import data

BURST = 80
"""Requests go out so many at a time: a worker then has a batch to do and a pause, whatever the rate."""
OPEN_MAX = 400
"""With this many requests unanswered the replay holds back, as clients of a slow service do."""
_OUTCOMES_EACH = 500
_CHUNK = 500
_LAST_SECONDS = 0.02
_ZONE = zoneinfo.ZoneInfo(data.NEW_YORK)
START = dt.datetime(2013, 2, 1, tzinfo=_ZONE)
_encode = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    predictions: list[typing.Any]


_decode = msgspec.json.Decoder(_Body).decode


class Flight(typing.NamedTuple):
    """One flight to send."""

    name: str
    """UA1545-20130201: goes along as the request id."""
    body: bytes
    departs: float
    """Unix seconds."""
    lands: float
    """Unix seconds; 0 for a flight that was diverted."""
    late: int


@dataclasses.dataclass(slots=True)
class Tally:
    """One version's answers as the clients saw them."""

    answered: int = 0
    rescued: int = 0
    failed: int = 0
    labelled: int = 0
    wrong: int = 0
    worst: tuple[float, str, str] = (0.0, "", "")
    """The most confident wrong answer: how far off, prediction id, flight."""


@dataclasses.dataclass(slots=True)
class _Landing:
    """A prediction whose flight is in the air. Ordered by landing."""

    lands: float
    identifier: str
    name: str
    late: int
    version: str
    chance: float | None

    def __lt__(self, other: "_Landing") -> bool:
        return self.lands < other.lands


def flights(rows: pd.DataFrame, from_month: int = 2) -> Iterator[Flight]:
    """The flights from this month on, in the order in which they left; bodies are made as they are needed."""
    rows = rows[rows["month"] >= from_month]
    for first in range(0, len(rows), _CHUNK):
        part = rows.iloc[first : first + _CHUNK]
        columns = [part[name].tolist() for name in data.FEATURES]
        departs = _seconds(part["departs"])
        lands = _seconds(part["lands"])
        late = part["late"].fillna(0).astype("int64").tolist()
        days = part["departs"].dt.tz_convert(data.NEW_YORK).dt.strftime("-%Y%m%d")
        names = (part["name"] + days).tolist()
        for name, leaves, landing, label, *values in zip(names, departs, lands, late, *columns, strict=True):
            yield Flight(name, _encode(dict(zip(data.FEATURES, values, strict=True))), leaves, landing, label)


class Replay:
    """Sends flights at an even rate until it is told to stop or the year is over."""

    def __init__(self, endpoint: str, source: Iterator[Flight], sender: client.Client, rate: float) -> None:
        """`rate`: requests a second at most."""
        self.rate, self.clock = rate, START.timestamp()
        self.requests = self.failed = self.posted = self.accepted = 0
        self.over = False
        self.ids: list[bytes] = []
        """Every prediction id that any answer carried."""
        self.tallies: collections.defaultdict[str, Tally] = collections.defaultdict(Tally)
        self.recent: collections.deque[float] = collections.deque(maxlen=4_000)
        """How long the latest answers took, in seconds."""
        self._path, self._source, self._sender = f"/endpoints/{endpoint}/predict", source, sender
        self._air: list[_Landing] = []
        self._landed: list[_Landing] = []
        self._posts: set[asyncio.Task[None]] = set()

    @property
    def date(self) -> dt.datetime:
        """The replay's clock in New York."""
        return dt.datetime.fromtimestamp(self.clock, _ZONE)

    @property
    def in_the_air(self) -> int:
        """Flights that were predicted and have not landed."""
        return len(self._air)

    def stop(self) -> None:
        """Send no more flights."""
        self.over = True

    async def run(self) -> None:
        """Replay until stopped, then let land what is in the air, and post the last outcomes."""
        due, before = 0.0, time.perf_counter()
        while not self.over:
            await asyncio.sleep(BURST / self.rate)
            now = time.perf_counter()
            due = min(due + (now - before) * self.rate, 4.0 * BURST)
            before = now
            while due >= 1 and self._sender.counts.pending < OPEN_MAX and not self.over:
                due -= 1
                self._send()
            self._land(self.clock)
        while self._sender.counts.pending:
            await asyncio.sleep(_LAST_SECONDS)
        self._land(float("inf"))
        while self._posts:
            await asyncio.gather(*self._posts)

    def _send(self) -> None:
        flight = next(self._source, None)
        if flight is None:
            self.over = True
            return
        self.clock = max(self.clock, flight.departs)
        self.requests += 1
        raw = self._sender.request(self._path, flight.body, headers=f"x-request-id: {flight.name}\r\n")
        self._sender.submit(raw, lambda answer: self._answered(flight, answer))

    def _answered(self, flight: Flight, answer: client.Answer) -> None:
        self.recent.append(answer.seconds)
        shown, version = answer.header("tidegate-prediction-id"), answer.header("tidegate-version")
        identifier = ids.parse(shown) if shown else None
        if identifier is not None:
            self.ids.append(identifier)
        tally = self.tallies[version]
        if not answer.ok:
            self.failed += 1
            tally.failed += 1
            return
        tally.answered += 1
        tally.rescued += answer.header("tidegate-rescued") == "true"
        if flight.lands and identifier is not None:
            heapq.heappush(self._air, _Landing(flight.lands, shown, flight.name, flight.late, version, chance(answer.body)))

    def _land(self, clock: float) -> None:
        """Post the outcomes of the flights that have landed by now."""
        while self._air and self._air[0].lands <= clock:
            landing = heapq.heappop(self._air)
            self._landed.append(landing)
            self._score(landing)
        while self._landed:
            batch, self._landed = self._landed[:_OUTCOMES_EACH], self._landed[_OUTCOMES_EACH:]
            task = asyncio.ensure_future(self._post(batch))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    def _score(self, landing: _Landing) -> None:
        tally = self.tallies[landing.version]
        tally.labelled += 1
        if landing.chance is None or (landing.chance >= 0.5) != bool(landing.late):
            tally.wrong += 1
            off = 1.0 if landing.chance is None else abs(landing.chance - landing.late)
            tally.worst = max(tally.worst, (off, landing.identifier, landing.name))

    async def _post(self, batch: list[_Landing]) -> None:
        self.posted += len(batch)
        outcomes = [{"id": one.identifier, "label": one.late} for one in batch]
        answer = await self._sender.send("/outcomes", _encode({"outcomes": outcomes}))
        if answer.ok:
            self.accepted += int(msgspec.json.decode(answer.body).get("accepted", 0))
        else:
            self.failed += 1


def chance(body: bytes) -> float | None:
    """P(late) in an answer to one record; None when there is no finite number."""
    try:
        found = _decode(body).predictions[0]
        while isinstance(found, dict | list):
            found = list(found.values() if isinstance(found, dict) else found)[-1]
        number = float(found)
    except (msgspec.DecodeError, IndexError, TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _seconds(times: pd.Series) -> list[float]:
    """Unix seconds; 0 where there is no time."""
    known = times.notna()
    whole = times.where(known, pd.Timestamp(0, tz="UTC")).astype("int64") / 1e9
    return [float(one) for one in whole]
