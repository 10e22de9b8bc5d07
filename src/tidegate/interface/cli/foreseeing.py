"""What the checks of a release would say now, as far as that can be seen before it: for `tidegate plan`."""

from typing import Any

from tidegate.core.spec import settings as specification
from tidegate.delivery.gates import memory, room, steps


def sentences(settings: specification.Settings, endpoint: dict[str, Any] | None, processes: list[dict[str, Any]]) -> list[str]:
    """Of what the version depends on, what closes the way back, and whether both versions fit into memory.

    `endpoint` and `processes`: as `status` has them; None and none where Tidegate is not up.
    """
    said = [f"Asked for before it begins, and again before it has traffic: {one.said}." for one in settings.requires]
    following = f"v{_next(endpoint)}" if endpoint else "this version"
    told = steps.sentences(settings.endpoint, settings.migrations, following)
    said += [words[0].upper() + words[1:] for words in told]
    stable = endpoint["stable"] if endpoint else None
    if stable is not None:
        found = room.fits(
            settings.stages, settings.replicas, running(settings.endpoint, stable["name"], processes), memory.free()
        )
        said.append(f"Memory: {found.words}" if found.passed else f"It would be refused for memory: {found.words}")
    return said


def running(endpoint: str, stable: str, processes: list[dict[str, Any]]) -> room.Running:
    """The endpoint's workers that live."""
    ours = [one for one in processes if one["kind"] == "worker" and one["endpoint"] == endpoint and one["alive"]]
    return room.Running(tuple(one["rss"] for one in ours if one["version"] == stable))


def _next(endpoint: dict[str, Any]) -> int:
    """The ordinal that the next version gets, as far as can be seen from here."""
    release = endpoint["release"]
    known: list[int] = [one["ordinal"] for one in (endpoint["stable"], *endpoint["kept"]) if one]
    if release:
        known.append(release["candidate"]["ordinal"])
    return max(known, default=0) + 1
