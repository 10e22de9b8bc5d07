"""What a version depends on outside its bundle, asked for one by one."""

from collections.abc import Callable, Iterable, Iterator

from tidegate.core.vocabulary import dependencies, errors
from tidegate.delivery.gates import findings, services, tables

NAME = "requires"
PROBES: dict[str, Callable[[dependencies.Requirement], str]] = {"service": services.probe, "table": tables.probe}
"""By the kind of requirement: what was found, in words; raises RequirementMissing."""


def met(wanted: Iterable[dependencies.Requirement]) -> Iterator[findings.Finding]:
    """A finding for each."""
    for one in wanted:
        try:
            yield findings.good(NAME, _probe(one))
        except errors.RequirementMissing as missing:
            yield findings.refused(NAME, missing)


def _probe(wanted: dependencies.Requirement) -> str:
    probe = PROBES.get(wanted.kind)
    if probe is None:
        known = " or ".join(sorted(PROBES))
        raise errors.RequirementMissing(
            f"there is no probe for {wanted.kind} {wanted.name}.", cure=f"`requires` takes a {known}."
        )
    return probe(wanted)
