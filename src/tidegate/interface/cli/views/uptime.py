"""How available an endpoint was, as a sentence and a line an outage."""

from collections.abc import Iterator

from rich import text

from tidegate.interface.api import moments
from tidegate.interface.cli import words
from tidegate.observability.metrics import availability


def lines(report: availability.Report, now: float) -> Iterator[text.Text]:
    """The sentence, then the outages, newest first."""
    yield text.Text(sentence(report), style="" if report.right == report.probes else "yellow")
    for one in reversed(report.outages):
        lasted = words.lasting((one.until or now) - one.since)
        goes_on = "" if one.until else ", and goes on"
        head = f"  {moments.local(one.since)}  for {lasted}{goes_on}, {words.count(one.probes, 'probe')}: "
        yield text.Text.assemble((head, "" if one.until else "bold red"), one.words)


def sentence(report: availability.Report) -> str:
    """99.93 % of so many probes, and how fast."""
    span = f"{moments.local(report.since)} to {moments.local(report.until)}"
    if not report.probes:
        return f"{report.endpoint}: not probed from {span}; `monitors.uptime.every` says how often it is."
    said = (
        f"{report.endpoint}: {100 * report.available:.4g} % available: {report.right:,} of {words.count(report.probes, 'probe')}"
    )
    if report.right:
        said += f" right, in {report.seconds * 1e3:,.1f} ms on average, 95 % within {report.p95 * 1e3:,.1f} ms"
    said += f"; {words.count(len(report.outages), 'outage')}"
    if report.unwatched:
        said += f"; nobody looked for {words.lasting(report.unwatched)}"
    return f"{said} ({span})"
