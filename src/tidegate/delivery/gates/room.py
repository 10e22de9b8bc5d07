"""Whether both versions fit into memory at the most crowded stage of a release, judged by what stable's workers hold now."""

from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import amounts, errors, releases
from tidegate.delivery.gates import findings, memory

NAME = "memory"


class Running(msgspec.Struct, frozen=True):
    """Workers of an endpoint that are up."""

    stable: tuple[int, ...] = ()
    """Bytes that each of stable's holds; 0 where it has not said."""
    candidate: int = 0
    """How many of the candidate's there are already."""


def more(stages: Sequence[releases.Stage], replicas: int, there: int) -> int:
    """Workers beyond those that are up, at the most crowded stage. `there`: stable's; `replicas`: what a version is to have."""
    if releases.alone(stages):
        return max(0, replicas - there)
    both = [one.replicas.candidate + one.replicas.meanwhile if one.replicas else replicas + there for one in stages]
    return max(0, max(both, default=replicas + there) - there)


def fits(stages: Sequence[releases.Stage], replicas: int, running: Running, left: memory.Free | None) -> findings.Finding:
    """Whether they do, with the numbers. `left`: what is free (`memory.free`); None: that cannot be told."""
    each, there = max(running.stable, default=0), len(running.stable)
    count = more(stages, replicas, there)
    if not count:
        return findings.good(NAME, "no stage has more workers than there are now.")
    if not each:
        return findings.unseen(NAME, f"{_workers(count)} would start; none of stable's says how much memory it holds.")
    if left is None:
        return findings.unseen(NAME, f"{_workers(count)} would start; how much memory is free cannot be told here.")
    take = (
        f"they take {amounts.size(each)} each, {amounts.size(count * each)} together"
        if count > 1
        else f"it takes {amounts.size(each)}"
    )
    need = f"{_workers(count)} would start beside stable's {there}; like {'those' if there > 1 else 'that'} {take}"
    if count * each <= left.size:
        return findings.good(NAME, f"{need}, and {amounts.size(left.size)} are free {left.where}.")
    fitting = _fitting(count, replicas, there, left.size // each)
    cure = " or ".join(fitting) if fitting else "No strategy would fit: free memory, or let `replicas` be fewer"
    return findings.refused(
        NAME, errors.MemoryShort(f"{need}, and only {amounts.size(left.size)} are free {left.where}.", cure=f"{cure}.")
    )


def _fitting(count: int, replicas: int, there: int, room: int) -> list[str]:
    """Strategies that need fewer workers at once, and no more than there is room for."""
    found = []
    if count > 1 and room >= 1:
        found.append(f"`strategy: rolling` would fit ({_workers(1)} at a time)")
    if max(0, replicas - there) <= room:
        found.append("`strategy: recreate` would fit (stable is stopped first, and nobody answers until the candidate is up)")
    return found


def _workers(count: int) -> str:
    return f"{count} more worker{'s' if count != 1 else ''}"
