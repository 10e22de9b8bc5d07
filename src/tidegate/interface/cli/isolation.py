"""What `tidegate doctor` says of the walls between versions: whose account, which bounds, which runtimes."""

import os
from collections.abc import Iterator

from tidegate.control.loop.keeper import cgroups
from tidegate.core.vocabulary import amounts, errors, home
from tidegate.delivery.runtimes import interpreters, runtimes
from tidegate.interface.cli import findings, words


def account() -> Iterator[findings.Finding]:
    """What trusting a model is trusting it with: workers share our account, since they write beside what the keeper runs."""
    if os.getuid() == 0:
        said = "root, and workers too: a model file that runs code on loading (pickle) would run it as root"
        cure = "Use an account of its own; trust only pickles whose author you trust."
        yield findings.Finding("account", "warning", said, cure)
    else:
        yield findings.Finding("account", "ok", "trusting a pickle is trusting its author with this account")


def bounds() -> Iterator[findings.Finding]:
    """How workers are kept from hurting each other here."""
    why = cgroups.why_not()
    if why:
        said = f"memory by looking at it each second, CPU by cores, nice levels and thread counts; no control groups: {why}"
    else:
        said = "memory and CPU by control groups where the keeper has one to itself, and by looking at memory each second"
    yield findings.Finding("isolation", "ok", said)


def environments(place: home.Home) -> Iterator[findings.Finding]:
    """uv, and the runtimes that it has built."""
    try:
        yield findings.Finding("uv", "ok", interpreters.uv())
    except errors.RuntimeUnavailable as absent:
        said = "not found; nothing needs it as long as versions share one runtime"
        yield findings.Finding("uv", "warning", said, absent.cure)
    used = runtimes.used(place)
    for one in runtimes.found(place):
        said = f"{one.digest[:12]}: Python {one.python}, {words.count(len(one.packages), 'package')}, {amounts.size(one.size)}"
        idle = "" if one.digest in used else "; no bundle goes by it, and a later release removes it"
        yield findings.Finding("runtime", "ok", said + idle)
