"""How an endpoint is served, as tables."""

from collections.abc import Iterator

from rich import table, text

from tidegate.core.vocabulary import amounts
from tidegate.interface.api import measures, moments


def whole(found: measures.Service) -> Iterator[text.Text | table.Table]:
    """The versions, then the processes, then the machine."""
    span = f"{moments.local(found.since)} to {moments.local(found.until)}"
    if found.versions:
        yield text.Text(f"{found.endpoint}, {span}")
        yield _versions(found.versions)
        yield from (text.Text(_beside(one)) for one in found.versions)
    else:
        yield text.Text(f"{found.endpoint}: nothing was counted, {span}")
    if found.refused:
        refused = ", ".join(f"{count:,} {code}" for code, count in found.refused.items())
        yield text.Text(f"refused before they were drawn, or answered by nobody, on all endpoints ever: {refused}")
    yield text.Text("")
    yield _processes(found.processes)
    for one in found.processes:
        if one.alive and one.received_rate is not None:
            yield text.Text(f"{one.process}: {_a_second(one.received_rate)} from gateways, {_a_second(one.sent_rate)} to them")
    if found.machine:
        yield text.Text(_machine(found.machine))


def _versions(versions: tuple[measures.Served, ...]) -> table.Table:
    shown = _table("version", "requests", "mean", "p50", "p95", "p99", "a batch", "waiting", "in flight")
    for one in versions:
        times = [_ms(each) for each in (one.mean_seconds, one.p50_seconds, one.p95_seconds, one.p99_seconds)]
        batch = f"{one.batch_requests:.1f}" if one.batch_requests is not None else ""
        shown.add_row(one.version, f"{one.requests:,}", *times, batch, f"{one.queued:,}", f"{one.in_flight:,}")
    return shown


def _beside(one: measures.Served) -> str:
    """What of a version is no column."""
    ended = ", ".join(f"{count:,} {mark}" for mark, count in one.marks.items())
    ended += f"; {one.rescued:,} rescued" if one.rescued else ""
    bodies = f"{_size(one.request_bytes)} of bodies in, {_size(one.answer_bytes)} out"
    return f"{one.version}: {amounts.rate(one.rate)}, {bodies}; {ended}"


def _processes(used: tuple[measures.Used, ...]) -> table.Table:
    shown = _table("process", "CPU", "memory", "descriptors", "threads", "disk reads", "disk writes")
    for one in used:
        if not one.alive:
            shown.add_row(one.process, text.Text("down", style="red"))
            continue
        descriptors = "" if one.descriptors is None else f"{one.descriptors:,}"
        descriptors += f" of {one.most_descriptors:,}" if one.most_descriptors else ""
        cpu = "" if one.cpu is None else f"{100 * one.cpu:.0f} %"
        memory = "" if one.resident is None else amounts.size(one.resident)
        threads = "" if one.threads is None else str(one.threads)
        shown.add_row(one.process, cpu, memory, descriptors, threads, _a_second(one.read_rate), _a_second(one.written_rate))
    return shown


def _machine(one: measures.Machine) -> str:
    said = f"disk: {amounts.size(one.disk_free)} of {amounts.size(one.disk_size)} free"
    if one.received_rate is not None:
        said += f"; network of the whole machine: {_a_second(one.received_rate)} in, {_a_second(one.sent_rate)} out"
    return said


def _table(*columns: str) -> table.Table:
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        shown.add_column(name, overflow="fold")
    return shown


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:,.3g} ms"


def _size(number: int) -> str:
    return amounts.size(number) if number >= 1e6 else f"{number / 1e3:,.0f} kB"


def _a_second(number: float | None) -> str:
    return "" if number is None else f"{number / 1e3:,.0f} kB/s"
