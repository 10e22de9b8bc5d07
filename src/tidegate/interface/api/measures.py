"""What is told of an endpoint's service, as bodies of answers: how it is served, and how available it was."""

import math
import time
from collections.abc import Sequence

from tidegate.core.vocabulary import home, marks
from tidegate.dataplane.wire import counts
from tidegate.interface.api import answers
from tidegate.observability.metrics import availability, machine, minutes, processes, quantiles, totals

LATELY_SECONDS = 300.0


class Outage(answers.Answer):
    """Probes in a row without a right answer."""

    since: float
    until: float | None
    """None: it goes on."""
    probes: int
    words: str


class Uptime(answers.Answer):
    """An endpoint's availability over a stretch of time."""

    endpoint: str
    since: float
    until: float
    probes: int
    right: int
    available: float | None
    """Share of the probes with a right answer; None without a probe."""
    mean_seconds: float | None
    p95_seconds: float | None
    unwatched_seconds: float
    """Between probes that were too far apart: nobody looked, or the endpoint slept."""
    outages: tuple[Outage, ...]


def uptime(found: availability.Report) -> Uptime:
    """A report as an answer."""
    return Uptime(
        endpoint=found.endpoint,
        since=found.since,
        until=found.until,
        probes=found.probes,
        right=found.right,
        available=number(found.available),
        mean_seconds=number(found.seconds),
        p95_seconds=number(found.p95),
        unwatched_seconds=found.unwatched,
        outages=tuple(
            Outage(since=one.since, until=one.until or None, probes=one.probes, words=one.words) for one in found.outages
        ),
    )


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None


class Served(answers.Answer):
    """One version over a stretch of time."""

    version: str
    requests: int
    """That ended."""
    rate: float
    """A second."""
    marks: dict[str, int]
    """How they ended."""
    mean_seconds: float | None
    """Of those answered, as clients waited."""
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    request_bytes: int
    """Of bodies that clients sent, uncompressed."""
    answer_bytes: int
    """Of bodies that they got."""
    rescued: int
    fallbacks: int
    batches: int
    batch_requests: float | None
    """Requests in a batch, on average."""
    batch_rows: float | None
    queued: int
    """Now."""
    in_flight: int


class Used(answers.Answer):
    """One process now, and over its last minutes."""

    process: str
    kind: str
    alive: bool
    cpu: float | None
    """Cores, over the last minutes."""
    resident: int | None
    descriptors: int | None
    most_descriptors: int | None
    threads: int | None
    read_rate: float | None
    """Bytes a second from disks, over the last minutes."""
    written_rate: float | None
    received: int | None
    """A worker's: bytes that gateways sent to it, since the home was made."""
    sent: int | None
    """Bytes that came back."""
    received_rate: float | None
    """Bytes a second, over the last minutes."""
    sent_rate: float | None


class Machine(answers.Answer):
    """The machine now."""

    disk_size: int
    disk_free: int
    received_rate: float | None
    """Bytes a second over all interfaces, over the last minutes."""
    sent_rate: float | None


class Service(answers.Answer):
    """How an endpoint is served, and what serving it takes."""

    endpoint: str
    since: float
    until: float
    versions: tuple[Served, ...]
    refused: dict[str, int]
    """By all gateways, for all endpoints, since the home was made: by error code."""
    processes: tuple[Used, ...]
    """Its workers, and what all endpoints share."""
    machine: Machine | None


def service(place: home.Home, endpoint: str, since: float, until: float) -> Service:
    """An endpoint's, from the files: everything may be down."""
    now = totals.served(place)
    past = {key: list(told.values()) for key, told in minutes.served(place, since, until, endpoint).items()}
    if until > time.time() - minutes.MINUTE:
        for key, slots in minutes.fresh(place, now.versions).items():
            if key[0] == endpoint:
                past.setdefault(key, []).append(slots)
    versions = []
    for name, ordinal in sorted(past):
        slots = minutes.added(past[name, ordinal])
        still = now.versions.get((name, ordinal), (0,) * counts.SLOTS)
        versions.append(_served(f"v{ordinal}", slots, still, until - since))
    lately = minutes.samples(place, until - LATELY_SECONDS)
    used = [one for one in processes.listed(place, now) if one.endpoint in ("", endpoint)]
    return Service(
        endpoint=endpoint,
        since=since,
        until=until,
        versions=tuple(versions),
        refused=now.of("refused"),
        processes=tuple(_used(one, lately.get(one.name, [])) for one in used),
        machine=_machine(place, minutes.machine(place, until - LATELY_SECONDS)),
    )


def _served(version: str, slots: Sequence[int], now: Sequence[int], seconds: float) -> Served:
    told = quantiles.times(slots)
    ended = slots[counts.MARKS : counts.LATENCY]
    batches = slots[counts.BATCHES]
    return Served(
        version=version,
        requests=sum(ended),
        rate=sum(ended) / seconds,
        marks={mark.name.lower(): ended[mark] for mark in marks.Mark if ended[mark]},
        mean_seconds=number(told.mean),
        p50_seconds=number(told.p50),
        p95_seconds=number(told.p95),
        p99_seconds=number(told.p99),
        request_bytes=slots[counts.ASKED_BYTES],
        answer_bytes=slots[counts.ANSWERED_BYTES],
        rescued=slots[counts.RESCUED],
        fallbacks=slots[counts.FALLBACKS],
        batches=batches,
        batch_requests=slots[counts.BATCHED] / batches if batches else None,
        batch_rows=slots[counts.ROWS] / batches if batches else None,
        queued=now[counts.QUEUED],
        in_flight=now[counts.IN_FLIGHT],
    )


def _used(one: processes.Process, lately: Sequence[minutes.Sample]) -> Used:
    same = [sample for sample in lately if sample.began == one.began]
    lasted = same[-1].at - same[0].at if same else 0

    def rate(first: float, last: float) -> float | None:
        return (last - first) / lasted if lasted and first >= 0 and last >= first else None

    return Used(
        process=one.name,
        kind=one.kind,
        alive=bool(one.pid),
        cpu=rate(same[0].cpu_seconds, same[-1].cpu_seconds) if same else None,
        resident=_told(one.resident),
        descriptors=_told(one.descriptors),
        most_descriptors=_told(one.most_descriptors),
        threads=_told(one.threads),
        read_rate=rate(same[0].read, same[-1].read) if same else None,
        written_rate=rate(same[0].written, same[-1].written) if same else None,
        received=_told(one.received),
        sent=_told(one.sent),
        received_rate=rate(same[0].received, same[-1].received) if same else None,
        sent_rate=rate(same[0].sent, same[-1].sent) if same else None,
    )


def _machine(place: home.Home, lately: Sequence[minutes.Machine]) -> Machine | None:
    try:
        size, free = machine.disk(place)
    except OSError:
        return None
    lasted = lately[-1].at - lately[0].at if lately else 0
    received = (lately[-1].received - lately[0].received) / lasted if lasted else None
    sent = (lately[-1].sent - lately[0].sent) / lasted if lasted else None
    return Machine(disk_size=size, disk_free=free, received_rate=received, sent_rate=sent)


def _told(value: int) -> int | None:
    return value if value >= 0 else None
