"""Requirement lines of a model: what they ask for, what has to be added to them, and whether this interpreter meets them."""

import platform
from collections.abc import Iterable, Sequence

from packaging import requirements, utils

from tidegate.core.vocabulary import errors
from tidegate.delivery.runtimes import packages

_PANDAS = "pandas>=2.2,<3"


def completed(lines: Sequence[str], loader: str, options: dict[str, str], *, columns: bool) -> tuple[str, ...]:
    """The model's lines with those that loading it needs besides: skops for its format, pandas for columns, numpy for PyTorch."""
    needed = []
    if loader == "sklearn":
        needed += ["skops"] if options.get("format") == "skops" else []
        needed += [_PANDAS] if columns else []
    if loader == "torch":
        needed += ["numpy"]  # which PyTorch itself does without
    have = {name(line) for line in lines}
    return (*lines, *(line for line in needed if name(line) not in have))


def name(line: str) -> str:
    """The package that a line is about, normalised; empty for an option or what cannot be read."""
    read = _read(line)
    return utils.canonicalize_name(read.name) if read else ""


def unmet(lines: Iterable[str], python: str) -> str:
    """Why this interpreter does not do for the lines and the Python version they are for; empty when it does."""
    if python and minor(python) != minor(platform.python_version()):
        return f"it was made with Python {minor(python)}, and this is {minor(platform.python_version())}"
    for line in lines:
        if line.startswith("-"):
            continue
        read = _read(line)
        if read is None or read.url:
            return f"{line} cannot be compared with what is installed"
        if read.marker is not None and not read.marker.evaluate():
            continue
        version = packages.installed(utils.canonicalize_name(read.name))[1]
        if not version:
            return f"{read.name} is not installed here"
        if not read.specifier.contains(version, prereleases=True):
            return f"it needs {read.name}{read.specifier}, and {version} is installed here"
    return ""


def resolvable(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that a resolver is given, sorted. Raises RuntimeUnavailable for one that a model may not ask for."""
    kept = []
    for line in lines:
        if line.startswith("-"):
            cure = "Take it out of the model's requirements; set an index for Tidegate itself (UV_DEFAULT_INDEX, UV_INDEX)."
            raise errors.RuntimeUnavailable(f"the model's requirements hold the option {line.split()[0]}.", cure=cure)
        read = _read(line)
        if read is None:
            raise errors.RuntimeUnavailable(f"{line!r} in the model's requirements cannot be read.", cure="Write NAME==VERSION.")
        if read.url:
            cure = "Publish it to an index as a wheel and require NAME==VERSION, or say `runtime: shared`."
            raise errors.RuntimeUnavailable(f"{line!r} is an address, and only wheels of an index are installed.", cure=cure)
        kept.append(str(read))
    return tuple(sorted(set(kept)))


def minor(version: str) -> str:
    """3.11 of 3.11.7."""
    return ".".join(version.split(".")[:2])


def _read(line: str) -> requirements.Requirement | None:
    try:
        return requirements.Requirement(line.partition(" #")[0].partition(" --hash")[0].rstrip("\\ "))
    except requirements.InvalidRequirement:
        return None
