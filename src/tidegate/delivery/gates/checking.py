"""The checks of a release, in order. Each looks at one thing; together they say whether it may go on."""

from collections.abc import Callable, Iterator

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import bundles
from tidegate.delivery.gates import case, contract, findings, freezing, memory, requirements, room, steps

"""Strategy of a release that goes back to an earlier version."""
Check = Callable[[case.Case], Iterator[findings.Finding]]


def run(given: case.Case) -> tuple[findings.Finding, ...]:
    """All findings about a release, in the order of CHECKS. Where its bundle is not whole nothing else is looked at, nor for a
    way back: one that waits for a contract or a service is none.

    Raises nothing for what it finds; OSError where the bundle's files cannot be read at all.
    """
    found = list(_bundle(given))
    if all(one.passed for one in found) and given.release.strategy != strategies.BACK:
        for name, check in CHECKS[1:]:
            try:
                found += check(given)
            except errors.TidegateError as broken:
                found.append(findings.refused(name, broken))
    return tuple(found)


def _bundle(given: case.Case) -> Iterator[findings.Finding]:
    """Every byte of the candidate's bundle is as its digest says."""
    digest = given.release.candidate.digest
    try:
        whole = bundles.read(given.place.bundles, digest).manifest
    except errors.ModelError as broken:
        yield findings.refused("bundle", broken)
        return
    size = sum(one.size for one in whole.files)
    yield findings.good("bundle", f"bundle {digest[:12]} is whole: {len(whole.files)} files, {size:,} bytes.")


def _contract(given: case.Case) -> Iterator[findings.Finding]:
    """The candidate keeps what stable promised its clients."""
    if given.stable is None:
        yield findings.unseen("contract", "this is the endpoint's first version: there is no contract to keep yet.")
        return
    yield contract.kept(given.stable, given.candidate)


def _data(given: case.Case) -> Iterator[findings.Finding]:
    """The data it came from is what it was at the first check."""
    yield from freezing.compared(given.before, given.data)


def _memory(given: case.Case) -> Iterator[findings.Finding]:
    """Both versions fit at the most crowded stage."""
    release = given.release
    if given.running is None:
        yield findings.unseen("memory", "memory was not looked at.")
    elif given.running.candidate:
        yield findings.unseen("memory", f"the candidate has workers already ({given.running.candidate}).")
    else:
        yield room.fits(release.stages, release.replicas, given.running, memory.free())


CHECKS: tuple[tuple[str, Check], ...] = (
    ("bundle", _bundle),
    ("contract", _contract),
    ("requires", lambda given: requirements.met(given.release.requires)),
    ("migrations", lambda given: steps.told(given.release)),
    ("data", _data),
    ("memory", _memory),
)
"""By the name that their findings carry. The first is what the others rest on."""
