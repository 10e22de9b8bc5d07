"""What came of data, and what versions came from, one fact a line."""

from collections.abc import Iterable

from tidegate.control.loop import descendants
from tidegate.control.loop import lineage as walking
from tidegate.core.vocabulary import urls
from tidegate.interface.api import moments
from tidegate.interface.cli import words


def downwards(found: walking.Lineage) -> list[str]:
    """What came of a snapshot, then what its deletion comes to."""
    snapshot = found.snapshot
    rows = f"  {words.count(snapshot.rows, 'row')}" if snapshot.rows else ""
    lines = [f"data        {', '.join(snapshot.names) or 'unnamed'}  sha256 {snapshot.sha256}{rows}"]
    lines += [f"  from      {source}" for source in snapshot.sources]
    for one in found.versions:
        held = ", held" if one.held and one.state != descendants.HELD else ""
        lines.append(f"version     {one.endpoint}/{one.version}  {one.state}{held}  ({', '.join(one.roles)} data)")
        lines.append(f"  model     {urls.model(one.model)}  bundle {one.digest[:16]}")
        lines += [f"  release   {each.id}  {moments.local(each.at)}  {each.strategy}, {each.outcome}" for each in one.releases]
        lines.append(f"  served    {served(one.served)}")
    lines += [f"bundle      {digest}  is no version of any endpoint" for digest in found.bundles]
    return [*lines, "", *found.said]


def upwards(origins: Iterable[walking.Origin]) -> list[str]:
    """What versions came from."""
    lines: list[str] = []
    for one in origins:
        lines.append(f"version     {one.endpoint}/{one.version}  {urls.model(one.model)}  bundle {one.digest[:16]}")
        if one.provenance is None:
            lines.append("  data      not known: its bundle is not here")
            continue
        run = one.provenance.run_id
        code = one.provenance.code_revision or "unknown"
        lines.append(f"  run       {run}  code {code}" if run else "  run       none: the model names no run that made it")
        for data in one.provenance.data:
            origin = f"  from {data.source}" if data.source else ""
            lines.append(
                f"  data      {data.role or 'data'}: {data.name or 'unnamed'}  sha256 {data.sha256 or 'unknown'}{origin}"
            )
        if not one.provenance.data:
            lines.append(f"  data      none is named{': its run logged no data set' if run else ''}")
        if one.baseline.said:
            lines.append(f"  baseline  {one.baseline.said}")
        lines.append(f"  served    {served(one.served)}")
    return lines


def served(told: descendants.Served) -> str:
    """How many, from when to when."""
    if not told.requests:
        return "no request that is in the log"
    rows = f", {words.count(told.rows, 'row')}" if told.rows != told.requests else ""
    return f"{words.count(told.requests, 'request')}{rows}, from {moments.local(told.first)} to {moments.local(told.last)}"
