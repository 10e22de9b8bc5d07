"""A real recorder, killed again and again while it erases: who asked is nowhere, everybody else is there once."""

import collections
import pathlib
import random
import time

import msgspec
import pyarrow.parquet as pq
from test_predlog_killed import BOOT, RECORDER, python, until

from tidegate.core.vocabulary import assignment, erasures, home, ids, records, tables
from tidegate.dataplane.predlog import catalogue, segments
from tidegate.observability.profiling import profiled

PEOPLE = [assignment.digest(f"user-{number}".encode()) for number in range(20)]
ASKING = 6
"""So many of them ask."""


def place(root: pathlib.Path) -> home.Home:
    made = home.Home(root)
    made.prepare()
    route = tables.Route(
        "e", "production", tables.Deployed(1, "d", "m"), release="r1", outcomes=tables.Outcomes(within_seconds=0.5)
    )
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"e": route})))
    return made


def pair(sequence: int, key: bytes) -> list[segments.Record]:
    """A prediction of somebody, and its outcome."""
    now = time.time_ns()
    one = records.Prediction(
        1, "host", BOOT, sequence, ids.uuid7(now // 10**6, sequence), "", "production", "e", "r1", 0, 5, 1, "d", 0, 500, True,
        key, 0, 0, 200, 1, False, now, 1, 1, 1, 1, -1, (0.9,), "records", b'{"of": "%s"}' % key.hex().encode(), b"{}",
    )  # fmt: skip
    return [one, records.Outcome(1, "host", BOOT, sequence + 1, one.id, 0, 1.0, 1, 0, now + 10**6)]


def kept(made: home.Home) -> tuple[list[str], int]:
    """The key of every prediction in the files that count, and how many outcomes there are."""
    with catalogue.Catalogue(made.log, readonly=True) as known:
        files = known.files()
    keys: list[str] = []
    for file in files:
        if file.partition.endpoint:
            keys += pq.read_table(made.log / file.path, partitioning=None)["key_hash"].to_pylist()
    return sorted(keys), sum(file.rows for file in files if not file.partition.endpoint)


def test_kills_while_it_erases_bring_nobody_back_and_take_nobody_else(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    writer = segments.Writer(made.segments, "host", BOOT, rotate_bytes=30_000)
    chance = random.Random(5)
    wrote: collections.Counter[str] = collections.Counter()

    def write(people: list[bytes]) -> None:
        for key in people * 5:
            writer.append(pair(writer.sequence, key))
            wrote[key.hex()] += 1

    asked = []
    for number in range(ASKING):
        write(PEOPLE[number:])  # who has asked stays away
        one = erasures.Asked(erasures.fresh(), "e", erasures.KEY, time.time() + 1, key_hash=PEOPLE[number].hex())
        asked.append(one.id)
        recorder = python(RECORDER, str(tmp_path))
        try:
            time.sleep(chance.uniform(0.3, 0.9))  # not waited for: where in its work it is met is left to chance
            erasures.write(made.erasures, erasures.ASKED, one)
            time.sleep(chance.uniform(0.0, 0.6))
        finally:
            recorder.kill()
            recorder.communicate()
    write(PEOPLE[ASKING:])
    writer.close()
    left = {key.hex(): wrote[key.hex()] for key in PEOPLE[ASKING:]}
    recorder = python(RECORDER, str(tmp_path))
    try:
        until(lambda: {one.id for one in erasures.told(made.erasures)} == set(asked))
        until(lambda: len(kept(made)[0]) >= sum(left.values()))
    finally:
        recorder.terminate()
        recorder.communicate()
    keys, outcomes = kept(made)
    assert collections.Counter(keys) == left
    assert outcomes == len(keys)
    gone = {key.hex() for key in PEOPLE[:ASKING]}
    paths = list(made.log.rglob("*.parquet"))
    assert not any(key in str(pq.read_table(path, partitioning=None).to_pylist()) for path in paths for key in gone)
    assert not list(made.erasures.glob(f"*{erasures.ASKED}"))


def by_hour(made: home.Home) -> dict[tuple[int, int], tuple[int, tuple[int, ...]]]:
    """By version and hour, how many rows there were and what was predicted; nothing while any are still to be counted."""
    if not (made.log / catalogue.NAME).exists():
        return {}
    with catalogue.Catalogue(made.log) as known:
        if not profiled.known(known.connection) or known.recounts(1):
            return {}
        hours = profiled.hours(known.connection, "e", 0, 2**40)
    return {(version, hour): (one.rows, one.columns["prediction"].counts) for version, hour, one in hours}


def test_a_catalogue_that_is_deleted_has_its_profiles_again_whenever_the_recorder_is_killed(tmp_path: pathlib.Path) -> None:
    made = place(tmp_path)
    writer = segments.Writer(made.segments, "host", BOOT)
    chance = random.Random(6)

    def write(count: int) -> None:
        for number in range(count):
            one, _ = pair(writer.sequence, PEOPLE[number % len(PEOPLE)])
            hour = 3_600 * 10**9 * (number % 5)
            writer.append([msgspec.structs.replace(one, arrived_ns=one.arrived_ns - hour, answers=(chance.random(),))])

    write(3_000)
    recorder = python(RECORDER, str(tmp_path))
    try:
        until(lambda: sum(rows for rows, _ in by_hour(made).values()) == 2_000)  # a thousand have taught
        write(4_000)
        writer.close()
        until(lambda: sum(rows for rows, _ in by_hour(made).values()) == 6_000)
        before = by_hour(made)
    finally:
        recorder.kill()
        recorder.communicate()
    for path in made.log.glob("catalogue.db*"):
        path.unlink()
    for _ in range(4):
        recorder = python(RECORDER, str(tmp_path))
        time.sleep(chance.uniform(0.4, 1.2))  # not waited for: where in its work it is met is left to chance
        recorder.kill()
        recorder.communicate()
    recorder = python(RECORDER, str(tmp_path))
    try:
        until(lambda: by_hour(made) == before)
    finally:
        recorder.terminate()
        recorder.communicate()
