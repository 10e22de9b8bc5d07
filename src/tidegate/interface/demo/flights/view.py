"""What people see while the story runs: one screen, readable at 80 x 24, and plain lines where there is no terminal.

`draw` is a pure function from a `Picture` to something rich can print; the story fills the picture in.
"""

import collections
import dataclasses
import datetime as dt

from rich import box, console, panel, table, text

SPARKS = "▁▂▃▄▅▆▇█"
GOOD, BAD, WARN, DIM, STABLE, CANDIDATE = "green", "bold red", "yellow", "dim", "cyan", "magenta"
_EVENTS = 5
_METRICS = {
    "errors": "errors",
    "labels": "wrong predictions",
    "errors.no_worse": "errors no worse",
    "labels.no_worse": "predictions no worse",
}
_PHASES = {
    "queued": (DIM, "queued"),
    "checking": (WARN, "checking the bundle"),
    "warming": (WARN, "warming up"),
    "running": (CANDIDATE, "canary"),
    "paused": (WARN, "paused"),
    "promoting": (GOOD, "promoting"),
    "probation": (GOOD, "at 100 %, still watched"),
    "succeeded": (GOOD, "succeeded"),
    "rolling_back": (BAD, "rolling back"),
    "rolled_back": (BAD, "rolled back"),
    "failed": (BAD, "failed"),
    "halted": (BAD, "halted"),
}


@dataclasses.dataclass
class Bar:
    """One e-process: how near its threshold it is."""

    metric: str
    log_e: float
    threshold: float
    promotes: bool
    """Whether passing the threshold promotes (True) or rolls back."""


@dataclasses.dataclass
class Picture:
    """Everything on the screen."""

    date: dt.datetime | None = None
    requests: int = 0
    failed: int = 0
    outcomes: int = 0
    in_the_air: int = 0
    rates: collections.deque[float] = dataclasses.field(default_factory=lambda: collections.deque(maxlen=60))
    """Requests a second, the newest last."""
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    stable: str = ""
    candidate: str = ""
    title: str = ""
    """What the candidate is said to be by its authors."""
    share: float = 0.0
    """Of the traffic, drawn for the candidate."""
    steps: tuple[str, ...] = ()
    step: int = -1
    phase: str = ""
    sentence: str = ""
    """What the release waits for, or how it ended."""
    bars: tuple[Bar, ...] = ()
    candidate_requests: int = 0
    harmed: int = 0
    rescued: int = 0
    wrong: int = 0
    events: collections.deque[tuple[str, str, str]] = dataclasses.field(default_factory=lambda: collections.deque(maxlen=50))
    """(replay's date, style, what happened), the newest last."""
    happened: int = 0
    """How many events there have been."""


def draw(picture: Picture, width: int) -> console.RenderableType:
    """The screen, 24 lines high."""
    inner = width - 4
    return console.Group(
        _head(picture, width),
        _boxed("traffic", _traffic(picture, inner)),
        _boxed(_release_title(picture), _release(picture, inner)),
        _boxed("evidence", _evidence(picture, inner)),
        _events(picture),
    )


def line(picture: Picture) -> str:
    """The same in one line, for logs."""
    when = f"{picture.date:%d %b %H:%M}" if picture.date else "-"
    rate = picture.rates[-1] if picture.rates else 0.0
    gate = f"{picture.stable} {1 - picture.share:.0%}" + (f" | {picture.candidate} {picture.share:.0%}" if picture.share else "")
    sent = f"{rate:,.0f} requests/s, {picture.requests:,} sent, {picture.failed} failed"
    bars = "; ".join(f"{name(bar.metric)} log E {bar.log_e:.1f}/{bar.threshold:.1f}" for bar in picture.bars if not bar.promotes)
    return f"{when}  {sent}  [{gate}] {picture.phase}  {bars}".rstrip()


def name(metric: str) -> str:
    """A metric as people say it."""
    return _METRICS.get(metric, metric.replace("_", " "))


def bar(part: float, width: int, style: str) -> text.Text:
    """A horizontal bar, filled by `part` (0 to 1) to an eighth of a character."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
    return text.Text().append(drawn, style).append("·" * (width - len(drawn)), DIM)


def spark(values: list[float], width: int) -> text.Text:
    """The latest values as a line of small columns, from zero up."""
    shown = values[-width:]
    top = max(shown, default=0.0) or 1.0
    return text.Text("".join(SPARKS[min(7, int(value / top * 7.99))] for value in shown).rjust(width), STABLE)


def _head(picture: Picture, width: int) -> text.Text:
    left = text.Text().append(" tidegate", "bold cyan").append("  the flights that left New York in 2013", DIM)
    right = text.Text(f"{picture.date:%a %-d %B %Y, %H:%M} " if picture.date else "", "bold")
    return _cut(left.append(" " * max(1, width - left.cell_len - right.cell_len)).append_text(right), width)


def _boxed(title: str | text.Text, inside: console.RenderableType) -> panel.Panel:
    return panel.Panel(inside, title=title, title_align="left", box=box.ROUNDED, border_style=DIM, padding=(0, 1))


def _traffic(picture: Picture, inner: int) -> console.RenderableType:
    rate = picture.rates[-1] if picture.rates else 0.0
    top = text.Text().append(f"{rate:>6,.0f}", "bold").append(" requests/s ", DIM)
    top.append_text(spark(list(picture.rates), max(10, inner - top.cell_len - 28)))
    top.append(f"  p50 {picture.p50_ms:.0f} ms · p99 {picture.p99_ms:.0f} ms", DIM)
    low = text.Text().append(f"{picture.requests:>6,}", "bold").append(" requests   ", DIM)
    low.append(f"{picture.failed}", BAD if picture.failed else GOOD).append(" failed   ", DIM)
    low.append(f"{picture.outcomes:,}", "bold").append(" outcomes   ", DIM)
    low.append(f"{picture.in_the_air}", "bold").append(" in the air", DIM)
    return console.Group(_cut(top, inner), _cut(low, inner))


def _release_title(picture: Picture) -> text.Text:
    if not picture.candidate:
        return text.Text("release")
    style, said = _PHASES.get(picture.phase, ("", picture.phase.replace("_", " ")))
    return text.Text().append(f"release {picture.candidate}", "bold").append(f"  {picture.title}  ").append(said, style)


def _release(picture: Picture, inner: int) -> console.RenderableType:
    return console.Group(
        _arms(picture, inner),
        _cut(_steps(picture), inner),
        _cut(_harm(picture), inner),
        _cut(text.Text(picture.sentence or " ", "italic"), inner),
    )


def _arms(picture: Picture, inner: int) -> text.Text:
    left = f"{picture.stable or '-'} {1 - picture.share:>4.0%} "
    right = f" {picture.candidate or '-'} {picture.share:>3.0%}"
    width = max(8, inner - len(left) - len(right))
    drawn = max(1, round(picture.share * width)) if picture.share else 0
    arms = text.Text().append(left, STABLE).append("█" * (width - drawn), STABLE).append("█" * drawn, CANDIDATE)
    return arms.append(right, CANDIDATE if picture.share else DIM)


def _steps(picture: Picture) -> text.Text:
    steps = text.Text().append("steps  ", DIM)
    for place, shown in enumerate((*picture.steps, "100%") if picture.steps else ()):
        style = DIM if place > picture.step else f"bold {CANDIDATE}" if place == picture.step else GOOD
        steps.append(" > " if place else "", DIM).append(shown, style)
    return steps


def _harm(picture: Picture) -> text.Text:
    harm = text.Text().append("harm   ", DIM)
    harm.append(f"{picture.candidate_requests:,}", "bold").append(" candidate requests, ", DIM)
    harm.append(f"{picture.harmed}", BAD if picture.harmed else GOOD).append(" failed, ", DIM)
    harm.append(f"{picture.rescued}", "bold").append(" rescued, ", DIM)
    return harm.append(f"{picture.wrong}", "bold").append(" wrong", DIM)


def _evidence(picture: Picture, inner: int) -> console.RenderableType:
    rows = table.Table.grid(padding=(0, 1), expand=True)
    rows.add_column(width=22)
    rows.add_column(ratio=1)
    rows.add_column(width=20, justify="right")
    width = max(8, inner - 22 - 20 - 2)
    for each in picture.bars[:4]:
        passed = each.log_e >= each.threshold
        style = (GOOD if each.promotes else BAD) if passed else (STABLE if each.promotes else WARN)
        said = ("promote" if each.promotes else "roll back") if passed else f"{each.log_e:.1f} of {each.threshold:.1f}"
        rows.add_row(text.Text(name(each.metric)), bar(each.log_e / each.threshold, width, style), text.Text(said, style))
    for _ in range(4 - len(picture.bars)):
        rows.add_row(text.Text(" "))
    return rows


def _events(picture: Picture) -> console.RenderableType:
    rows = table.Table.grid(padding=(0, 1), expand=True)
    rows.add_column(min_width=13, no_wrap=True, style=DIM, justify="right")
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    shown = list(picture.events)[-_EVENTS:]
    for when, style, said in shown:
        rows.add_row(when, text.Text(said, style, no_wrap=True, overflow="ellipsis"))
    for _ in range(_EVENTS - len(shown)):
        rows.add_row("", "")
    return rows


def _cut(one: text.Text, width: int) -> text.Text:
    one.truncate(width, overflow="ellipsis")
    return one
