"""A prediction log of any size, made up but laid out as gateways write it, and the recorder at work on it.

One endpoint whose model has twenty input columns: twelve numbers, four integers and four categories. One row a request, as plain
records, answered with a probability; the id, the times and every value differ from request to request. Of a model of classes
the answer is the likeliest, and the probability of each is beside it.
"""

import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from bench import processes, servers
from tidegate.core.vocabulary import arms, home, ids, instances, manifests, marks, records, tables
from tidegate.dataplane.models import bundles
from tidegate.dataplane.predlog import catalogue, segments
from tidegate.observability.profiling import profiled
from tidegate.observability.recording import process

ENDPOINT = "bench"
BOOT = "b" * 32
NUMBERS, INTEGERS, WORDS = 12, 4, 4
COLUMNS = NUMBERS + INTEGERS + WORDS
CLASSES = 10
NAME = "recorder"
HOUR_NS = 3_600 * 10**9
RATE = 20_000.0
"""Predictions a second, by their own times."""
AT_ONCE = 500
"""Records of one write."""
_DIFFERENT = 4_096
"""Bodies that come in turn."""


class Recorded(NamedTuple):
    """What recording a log took."""

    predictions: int
    seconds: float
    cpu_seconds: float
    """Of the process, all its threads on one core."""
    rss_mib: tuple[float, ...]
    """Resident memory after each part."""
    profiled: int
    """Columns of inputs and outputs that were profiled."""


def manifest(classes: int = 0) -> manifests.Manifest:
    """Of a model that is never loaded: its signature is what inputs and outputs are read by."""
    kinds = [("double", NUMBERS), ("long", INTEGERS), ("string", WORDS)]
    names = (manifests.Column(f"{kind}_{at}", kind) for kind, count in kinds for at in range(count))
    outputs, options = [manifests.Column("prediction", "double")], {}
    if classes:
        outputs.append(manifests.Column("probabilities", "double", shape=(-1, classes)))
        options["classes"] = json.dumps([f"class-{at}" for at in range(classes)])
    signature = manifests.Signature("columns", tuple(names), tuple(outputs))
    return manifests.Manifest("bench", "sklearn", "model", signature, (), options=options)


def prepare(place: home.Home, classes: int = 0) -> str:
    """The endpoint's bundle and table in a home; the bundle's digest."""
    made = manifest(classes)
    folder = place.bundles / made.digest
    folder.mkdir(parents=True)
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(made))
    stable = tables.Deployed(1, made.digest, "bench")
    route = tables.Route(ENDPOINT, "production", stable)
    place.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {ENDPOINT: route})))
    return made.digest


def predictions(digest: str, begin_ns: int, rate: float, classes: int = 0) -> Iterator[records.Prediction]:
    """Without end, `rate` a second from a Unix time on; numbered by a writer's caller."""
    rng = np.random.default_rng(7)
    asked = bodies(rng)
    answers = list(_classified(rng, classes) if classes else _answered(rng))
    for number in itertools.count():
        answer, answered, numbers = answers[number % _DIFFERENT]
        arrived = begin_ns + int(number / rate * 1e9)
        identifier = ids.uuid7(arrived // 1_000_000, number)
        said = b'{"predictions":[%s],"prediction_id":"%s","version":"1"}' % (answered, ids.text(identifier).encode())
        yield records.Prediction(
            records.SCHEMA, "bench", BOOT, number, identifier, "", "production", ENDPOINT, "", 0, 1, 1, digest,
            int(arms.Arm.STABLE), 0, False, b"", int(arms.Role.LIVE), int(marks.Mark.OK), 200, 1, False, arrived, 900, 300,
            1, 1, number % 10, (answer,), "records", asked[number % _DIFFERENT], said, "", 600,
            numbers=numbers,
        )  # fmt: skip


def _answered(rng: np.random.Generator) -> Iterator[tuple[float, bytes, bytes]]:
    """(the answer, the same as JSON, the outputs beside it as a record has them) of each body in turn."""
    for chance in rng.random(_DIFFERENT).tolist():
        yield chance, b"%r" % chance, b""


def _classified(rng: np.random.Generator, classes: int) -> Iterator[tuple[float, bytes, bytes]]:
    """The same of a model of classes."""
    for chances in rng.dirichlet(np.ones(classes), _DIFFERENT):
        likeliest = float(chances.argmax())
        said = json.dumps({"prediction": likeliest, "probabilities": chances.tolist()})
        yield likeliest, said.encode(), chances.astype("<f8").tobytes()


def bodies(rng: np.random.Generator) -> list[bytes]:
    """Some thousand different requests."""
    numbers = rng.lognormal(3.0, 1.0, (_DIFFERENT, NUMBERS)).round(6)
    integers = rng.poisson(40, (_DIFFERENT, INTEGERS))
    words = rng.choice([f"kind-{at}" for at in range(30)], (_DIFFERENT, WORDS))
    names = [column.name for column in manifest().signature.inputs]
    rows = zip(numbers.tolist(), integers.tolist(), words.tolist(), strict=True)
    return [json.dumps({"records": [dict(zip(names, itertools.chain(*row), strict=True))]}).encode() for row in rows]


def record(place: home.Home, count: int, part: int, classes: int = 0) -> Recorded:
    """Have a recorder process, held to one core, record `count` predictions, at most two parts of which are written ahead."""
    made = predictions(prepare(place, classes), time.time_ns() - HOUR_NS, RATE, classes)
    writer = segments.Writer(place.segments, "bench", BOOT)
    memory: list[float] = []
    _write(writer, made, min(count, 2 * part))
    with _recorder(place) as pid:
        began, used = time.monotonic(), processes.cpu_seconds(pid)
        for done in range(part, count + 1, part):
            servers.wait(lambda done=done: _recorded(place) >= done, seconds=600.0)  # type: ignore[misc]
            memory.append(round(processes.rss_mib(pid), 1))
            _tidy(place)
            _write(writer, made, min(part, count - writer.sequence))
        seconds, cpu = time.monotonic() - began, processes.cpu_seconds(pid) - used
        counted = _recorded(place)
    writer.close()
    with catalogue.Catalogue(place.log, readonly=True) as known:
        framed = len(profiled.frames(known.connection, ENDPOINT))
    return Recorded(counted, seconds, cpu, tuple(memory), framed)


@contextlib.contextmanager
def _recorder(place: home.Home) -> Iterator[int]:
    """A recorder process; its pid, once it is there."""
    log = place.logs / "recorder.log"
    with log.open("ab") as told:
        child = subprocess.Popen([sys.executable, "-m", "bench.recording", str(place.root)], stdout=told, stderr=told)
    try:
        servers.wait(lambda: instances.read_state(place.instances, NAME).get("pid") == child.pid, child, log)
        yield child.pid
    finally:
        servers.end(child)


def _write(writer: segments.Writer, made: Iterator[records.Prediction], count: int) -> None:
    for _ in range(0, count, AT_ONCE):
        writer.append(list(itertools.islice(made, AT_ONCE)))


def _recorded(place: home.Home) -> int:
    return int(instances.read_state(place.instances, NAME).get("recorded", 0))


def _tidy(place: home.Home) -> None:
    """Delete the segments that are recorded: the log of a long run would fill the disk."""
    with catalogue.Catalogue(place.log, readonly=True) as known:
        places = known.progress().places
    for incarnation, files in segments.listing(place.segments).items():
        for number, path in files[:-1]:
            if (reached := places.get((incarnation, number))) is not None and reached.done:
                path.unlink()


def main(argv: list[str]) -> int:
    """Be the recorder of a home, on the last core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return process.run(home.Home(pathlib.Path(argv[1])), NAME)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
