"""Whether both versions fit into memory at the most crowded stage of a release, judged by what stable's workers hold now."""

from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import errors, releases
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
        return findings.unseen(NAME, f"{_workers(count)} more would start; none of stable's says how much memory it holds.")
    if left is None:
        return findings.unseen(NAME, f"{_workers(count)} more would start; how much memory is free cannot be told here.")
    need = f"{_workers(count)} more beside stable's {there}, about {size(each)} each as stable's are, need {size(count * each)}"
    if count * each <= left.size:
        return findings.good(NAME, f"{need}; {size(left.size)} are free {left.where}.")
    fitting = _fitting(count, replicas, there, left.size // each)
    cure = " or ".join(fitting) if fitting else "No strategy would fit: free memory, or let `replicas` be fewer"
    return findings.refused(NAME, errors.MemoryShort(f"{need}, and {size(left.size)} are free {left.where}.", cure=f"{cure}."))


def _fitting(count: int, replicas: int, there: int, room: int) -> list[str]:
    """Strategies that need fewer workers at once, and no more than there is room for."""
    found = []
    if count > 1 and room >= 1:
        found.append(f"`strategy: rolling` would fit ({_workers(1)} more at a time)")
    if max(0, replicas - there) <= room:
        found.append("`strategy: recreate` would fit (stable is stopped first, and nobody answers until the candidate is up)")
    return found


def size(count: int) -> str:
    """Bytes for people: 310 MB, 1.2 GB."""
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{max(1, round(count / (1 << 20)))} MB"


def _workers(count: int) -> str:
    return f"{count} worker{'s' if count != 1 else ''}"
