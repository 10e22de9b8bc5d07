"""The recorder: it follows the gateways' segments, records them as Parquet, and joins outcomes to predictions.

One step: look at the segments, join, and, every two seconds or twenty thousand records, put everything in place at once: the
Parquet files first, then one transaction that makes them count together with the places reached and the joins. `kill -9`
anywhere undoes the step as a whole, and the next recorder reads the same records from the segments again.

Called by `process`. Not here: what is wrong (`predlog.outcomes`), who counts (`joining.labels`).
"""

import collections
import errno
import logging
import os
import pathlib
import uuid
from collections.abc import Collection, Sequence

import msgspec

from tidegate.core.vocabulary import home, ids, instants, placing, records, room, sums
from tidegate.dataplane.predlog import columns, explained, parquet, reader, segments, shipped
from tidegate.observability.joining import entities, joins, labels, pairs, slices, values
from tidegate.observability.profiling import baselines, doubting, hourly, oddness
from tidegate.observability.reading import bodies, outputs, rules
from tidegate.observability.recording import (
    believing,
    erasing,
    expiring,
    following,
    inputs,
    keepsakes,
    mending,
    recounting,
    upkeep,
    veils,
    walking,
)

LOOK_BYTES = 8 << 20
FLUSH_SECONDS = 2.0
FLUSH_RECORDS = 20_000
FLUSH_BYTES = 32 << 20
PUBLISH_SECONDS = 0.25
UPKEEP_SECONDS = 10.0
ERASE_SECONDS = 1.0
LEFT_SHARE = 0.5
"""Of the room that gateways leave: what the recorder leaves."""
FREED = segments.FREED
"""Of that room: below it, segments go as soon as they are recorded."""
OF_HOST = "@"
"""In the name of a tally, before the host that it is of."""
INTEGER_MOST = 2**31 - 1
log = logging.getLogger(__name__)


class Recorder:
    """The work without its process. Time is an argument. After an error it is to be closed, and made anew from what counts."""

    def __init__(self, place: home.Home, now: float) -> None:
        """Go on where the catalogue says, at Unix time `now`. Raises StoreUnavailable, OSError and sqlite3.Error."""
        self.home = place
        self.catalogue = upkeep.reopened(place.log)
        self.rules = rules.Rules(place.table)
        connection = self.catalogue.connection
        self.cohorts = labels.Cohorts(connection)
        self.values = values.Values(connection, self.cohorts)
        self.pairs = pairs.Pairs(connection, self.cohorts, place.bundles)
        self.slices = slices.Slices(connection, self.cohorts, place.bundles)
        self._reader = bodies.Reader(place.bundles, holds=True)
        self.profiles = hourly.Profiles(connection, self._reader)
        self.veils = veils.Veils(connection, self.rules)
        self.oddness = oddness.Oddness(connection, self.profiles, baselines.Baselines(place.bundles))
        self.inputs = inputs.Inputs(place.log, self._reader, self.veils, self.oddness)
        self.entities = entities.Entities(connection, self._reader)
        self.joins = joins.Joins(connection, self.cohorts, self.values, self.entities, self.pairs.heard)
        self.follower = following.Follower(place.segments, self.catalogue.progress())
        self.mending = mending.Mending(self.catalogue)
        self.keepsakes = keepsakes.Keepsakes(place.warm)
        self.believed = believing.Believed(self.catalogue)
        self.expiring = expiring.Expiring(place, self.catalogue)
        self.recounting = recounting.Recounting(place.log, self.catalogue, self.profiles, self.oddness, self._reader)
        self.doubts = doubting.Doubts(place.log, self.catalogue, self.profiles)
        parts = walking.Parts(
            erase=self._erase,
            erase_keys=self._erase_keys,
            doubt=self.doubts.cast,
            recount=self._recount_hours,
            drop=self.keepsakes.drop,
            about=self.entities.of,
        )
        self.erasing = erasing.Erasing(place, self.catalogue, parts)
        self.tallies = self.catalogue.tallies()
        self.caught_up_at = now
        self._shipped = max((max(one.moment, one.until) for one in shipped.positions(place.log)), default=0)
        self._counted: dict[str, int] = {}
        self._batch: list[segments.Record] = []
        self._columns: dict[parquet.Partition, list[columns.Chunk]] = {}
        self._bytes = 0
        self._flushed_at = self._published_at = self._kept_at = 0.0
        self._published: dict[pathlib.Path, object] = {}
        self._asked = 0
        if room.short(place.segments, FREED):  # what was recorded makes room for what was not
            upkeep.retire(self.catalogue, self.follower, now, at_once=True)

    def close(self) -> None:
        """Undo what does not count yet, and let go."""
        self.catalogue.rollback()
        self.catalogue.close()

    def step(self, now: float) -> bool:
        """Look once, at Unix time `now`; whether to go on at once, since there is more. Raises OSError and sqlite3.Error."""
        self.rules.refresh()
        news = self.follower.look(now, LOOK_BYTES)
        self._take(news, now)
        if news.caught_up:
            self.caught_up_at = now
            self.cohorts.close(now, self.rules.timeouts(), self.rules.releases())
            self.slices.close(now, self.rules.timeouts())
            if instants.passed(self._published_at, now, PUBLISH_SECONDS):
                self.publish(now)
        self.keepsakes.publish(now, self.rules.silent())
        full = len(self._batch) >= FLUSH_RECORDS or self._bytes >= FLUSH_BYTES
        new = self.follower.moved or any(self._counted.values()) or self.catalogue.connection.in_transaction
        if full or (new and instants.passed(self._flushed_at, now, FLUSH_SECONDS)):
            self.flush(now)
        hurried = self.erasing.pending or self.recounting.pending or self.doubts.pending
        if instants.passed(self._kept_at, now, ERASE_SECONDS if hurried else UPKEEP_SECONDS) or self._is_asked():
            self._keep(now)
        return not news.caught_up and bool(news.records)

    def _take(self, news: following.News, now: float) -> None:
        counted = {"lost": news.lost, "repeated": news.repeated, "corrupt": news.corrupt}
        if any(counted.values()):
            log.warning("the segments are not whole", extra=counted)
        by_host = (
            (f"{name}{OF_HOST}{host}", count)
            for host, counts in news.hosts.items()
            for name, count in zip(("recorded", "lost", "repeated"), counts, strict=True)
        )
        for name, count in (*counted.items(), *by_host):
            self._counted[name] = self._counted.get(name, 0) + count
        if not news.records:
            return
        self.catalogue.begin()
        taken = self.erasing.tombstones.spared([_bounded(one) for one in news.records])
        self.rules.refresh()  # no older than what was read
        self._veil()
        taken = [self.veils.whole(one) if isinstance(one, records.Prediction) else one for one in taken]
        predictions = [one for one in taken if isinstance(one, records.Prediction)]
        self.keepsakes.note([one for one in predictions if not self.veils.of(one.endpoint).veiled])
        self.joins.predict(predictions, self.rules.rule)
        self.entities.take(predictions, self.rules.rule)
        self.pairs.take(predictions, now, self.rules)
        self.slices.take(predictions, self.rules)
        self.profiles.take(predictions, self.veils.of)
        self.joins.hear((one for one in taken if isinstance(one, records.Outcome)), now)
        self._bytes += sum(len(one.input) + len(one.output) for one in predictions)
        for told in (self.inputs.chunks(predictions), outputs.chunks(self._reader, predictions)):
            for place, chunks in told.items():
                self._columns.setdefault(place, []).extend(chunks)
                self._bytes += sum(column.nbytes for chunk in chunks for column in chunk.lists.values())
        self._reader.forget()
        self._batch += [self.veils.kept(one) if isinstance(one, records.Prediction) else one for one in taken]

    def _veil(self) -> None:
        """What is veiled from now on was counted for the last time; in the open transaction."""
        for endpoint, column in self.veils.note():
            self.profiles.drop(endpoint, column)

    def publish(self, now: float) -> None:
        """Write the label sums, the pairs and the slices of every endpoint whose sums changed."""
        self._published_at = now
        for endpoint in self.cohorts.endpoints():
            newest = self.cohorts.newest(endpoint)
            counted = (self.cohorts.version(endpoint), *map(self.values.version, newest))
            if self._is_new(self.home.labels / f"{endpoint}.json", counted):
                told = {one.release: self._labels(one) for one in newest}
                placing.put(self.home.labels / f"{endpoint}.json", msgspec.json.encode(told))
            paired = self.pairs.version(endpoint)
            if paired and self._is_new(self.home.pairs / f"{endpoint}.json", paired):
                placing.put(self.home.pairs / f"{endpoint}.json", msgspec.json.encode(self.pairs.told(endpoint)))
            sliced = self.slices.version(endpoint)
            if sliced and self._is_new(self.home.slices / f"{endpoint}.json", sliced):
                placing.put(self.home.slices / f"{endpoint}.json", msgspec.json.encode(self.slices.told(endpoint)))

    def _is_new(self, path: pathlib.Path, version: object) -> bool:
        """Whether what is to be written differs from what was; then all that was counted is in the transaction."""
        if self._published.get(path) == version:
            return False
        self._published[path] = version
        self.catalogue.begin()
        self._save()
        return True

    def _labels(self, tracked: labels.Tracked) -> sums.Labels:
        return msgspec.structs.replace(self.cohorts.labels(tracked), values=self.values.told(tracked))

    def _save(self) -> None:
        self.cohorts.save()
        self.values.save()
        self.pairs.save()
        self.slices.save()
        self.profiles.save()
        self.oddness.save()

    def flush(self, now: float) -> None:
        """Make everything read so far count. Raises OSError and sqlite3.Error, also where the disk has next to no room left."""
        if self._batch and room.short(self.home.log, LEFT_SHARE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.home.log))
        upkeep.present(self.catalogue)
        self.catalogue.begin()
        self.joins.settle(now, self._look_up, self.rules.rule)
        self.pairs.settle(now, self._look_for)
        self._batch += self.joins.matched
        self.joins.matched = []
        self._begin_sinks(now)
        if self._batch:
            moment = self.catalogue.next_moment(max(int(now * 1e3), self._shipped + 1))
            self.catalogue.add(parquet.write(self.home.log, _fresh_name(now), self._batch, self._columns, moment))
        moved = {key: self.follower.places[key] for key in self.follower.moved}
        if moved or any(self._counted.values()):
            self.catalogue.advance(moved, self.follower.expected)
        self._save()
        told = msgspec.structs.asdict(self.joins.tally) | msgspec.structs.asdict(self.pairs.tally)
        told |= {"unencrypted": self.veils.unencrypted, "erased_late": self.erasing.tombstones.late}
        self.catalogue.tally(self._counted | told | {"recorded": len(self._batch)})
        self.veils.unencrypted = self.erasing.tombstones.late = 0
        self.catalogue.commit()
        self.tallies = self.catalogue.tallies()
        self.joins.tally, self.pairs.tally = joins.Tally(), pairs.Tally()
        self.follower.moved.clear()
        self._batch, self._columns, self._bytes, self._counted, self._flushed_at = [], {}, 0, {}, now

    def _begin_sinks(self, now: float) -> None:
        """Have sinks that are new get what is recorded from here on: known before it counts, so that a kill loses nothing."""
        for endpoint, to in self.rules.sinks():
            if shipped.position(self.home.log, endpoint, to) is None:
                last = max(self.catalogue.last_moment(), int(now * 1e3) - 1)
                shipped.reach(self.home.log, shipped.Position(endpoint, to, last))
                self.catalogue.miss_nothing(endpoint, to)

    def _look_up(self, wanted: Sequence[bytes]) -> tuple[Sequence[records.Prediction], Sequence[records.Outcome]]:
        return reader.predictions(self.home.log, wanted), reader.outcomes(self.home.log, wanted)

    def _look_for(self, wanted: Sequence[bytes]) -> Sequence[records.Prediction]:
        return reader.predictions(self.home.log, wanted)

    def _keep(self, now: float) -> None:
        """What has time: merge files, fold ticks, forget what is old."""
        self.flush(now)
        self._kept_at = now
        upkeep.merge(self.catalogue, _fresh_name(now))
        self.mending.look(_fresh_name(now))
        self.tallies = self.catalogue.tallies()
        self.catalogue.begin()
        old_by = self.believed.at(now)
        self.catalogue.commit()
        self.expiring.look(self.veils.all(), _fresh_name(now), old_by)
        self.erasing.hear()
        self.erasing.step(_fresh_name(now), now, self.caught_up_at)
        self._recount(now)
        at_once = self.veils.discreet or self.erasing.pending or room.short(self.home.segments, FREED)
        upkeep.retire(self.catalogue, self.follower, now, at_once=at_once)
        self.catalogue.begin()
        self.cohorts.fold()
        self.values.fold()
        self.slices.forget()
        self.profiles.fold(old_by)
        self.oddness.forget(old_by)
        if self.caught_up_at == now:
            self.joins.expire(old_by, self.cohorts.longest_age())
            self.pairs.expire(old_by, self.cohorts.longest_age())
            self.entities.expire(old_by, self.rules.rule)
        self.catalogue.commit()

    def _recount(self, now: float) -> None:
        """Go on with what erasing or a lost catalogue has left to do, once it is known what is veiled."""
        if self.erasing.sweeping:
            return
        self.doubts.settle()
        if not self.recounting.pending or not self.rules.known:
            return
        self.catalogue.begin()
        self._veil()
        self.catalogue.commit()
        self.recounting.step(self.veils.of, _fresh_name(now))

    def _is_asked(self) -> bool:
        """Whether somebody has asked for something to be erased since the last upkeep."""
        try:
            told = self.home.erasures.stat().st_mtime_ns
        except OSError:
            return False
        before, self._asked = self._asked, told
        return told != before

    def _erase(self, endpoint: str, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget predictions, whoever knows of them."""
        count = self.entities.erase(endpoint, gone) + self.oddness.erase(endpoint, gone)
        for part in (self.joins, self.values, self.pairs, self.cohorts):
            count += part.erase(gone)
        count.update(ids.parse(one) or b"" for one in explained.forget(self.home.explanations, gone))
        return count

    def _recount_hours(self, endpoint: str, arrived: Sequence[float]) -> None:
        """Have the profiles of these arrivals' hours counted by what is left."""
        self.recounting.again(endpoint, arrived, self._kept_at)

    def _erase_keys(self, endpoint: str, keys: Collection[bytes]) -> dict[bytes, int]:
        """Forget keys."""
        found = self.joins.erase_keys(endpoint, keys)
        return {one: found[one] + self.values.erase_key(endpoint, one) for one in keys}

    def facts(self, now: float) -> dict[str, object]:
        """What the process says of itself: counts since the log began, and how far behind it is."""
        read, joined = (
            ("recorded", "lost", "repeated", "corrupt", "damaged", "damaged_rows", "unencrypted", "erased_late"),
            ("joined", "duplicate", "unmatched", "rejected"),
        )
        names = (*read, *joined, *pairs.Tally.__struct_fields__)
        behind = max(0.0, now - self.caught_up_at)
        told: dict[str, object] = {name: self.tallies.get(name, 0) for name in names}
        told["hosts"] = _by_host(self.tallies)
        told |= {"lag_seconds": round(behind, 3), "at": now}
        if self.veils.trouble:
            told["trouble"] = f"Inputs are not kept: {' '.join(self.veils.trouble.values())}"
        return told


def _by_host(tallies: dict[str, int]) -> dict[str, dict[str, int]]:
    """Counts by host, where there are several."""
    found: dict[str, dict[str, int]] = {}
    for name, count in tallies.items():
        what, of, host = name.partition(OF_HOST)
        if of:
            found.setdefault(host, {"recorded": 0, "lost": 0, "repeated": 0})[what] = count
    return found if len(found) > 1 else {}


def _bounded(one: segments.Record) -> segments.Record:
    """Numbers that clients choose, kept within what every table can hold."""
    if isinstance(one, records.Outcome) and (abs(one.row) > INTEGER_MOST or abs(one.label_version) > INTEGER_MOST):
        row, version = min(abs(one.row), INTEGER_MOST), min(abs(one.label_version), INTEGER_MOST)
        return msgspec.structs.replace(one, row=row, label_version=version)
    return one


def _fresh_name(now: float) -> str:
    return f"{int(now * 1e3):013d}-{uuid.uuid4().hex[:8]}"
