"""The tidegate.yaml at hand: found, read, resolved."""

import dataclasses
import pathlib

import msgspec

from tidegate.core.spec import file, keys, settings
from tidegate.core.vocabulary import errors, recipients
from tidegate.interface.cli import words

_FILES = ("example", "training", "check")
"""Settings that are paths."""


@dataclasses.dataclass(frozen=True)
class Project:
    """A file and what it comes to. What it names by a path has become absolute: processes elsewhere have to find it."""

    path: pathlib.Path
    settings: settings.Settings


def find(given: str = "") -> pathlib.Path | None:
    """The file: `given`, else the nearest tidegate.yaml here or above; None where there is none."""
    if given:
        return pathlib.Path(given)
    here = pathlib.Path.cwd()
    return next((place / file.NAME for place in (here, *here.parents) if (place / file.NAME).is_file()), None)


def load(given: str = "", *, model: str = "", strategy: str = "") -> Project:
    """The project with what the command line overrides. Raises SpecNotFound, SpecInvalid or RuleInvalid with file and line."""
    path = find(given)
    if path is None:
        raise errors.SpecNotFound
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise errors.SpecNotFound(f"the file cannot be read: {words.reason(unreadable)}.", where=str(path)) from unreadable
    read = file.load(text, name=_shown(path))
    if strategy:
        read = file.by(read, strategy)
    resolved = file.resolve(read, _listed(read, path))
    source = absolute(model, pathlib.Path.cwd()) if model else absolute(resolved.model, path.parent)
    return Project(path, msgspec.structs.replace(_from(resolved, path.parent), model=source))


def absolute(model: str, folder: pathlib.Path) -> str:
    """A model given as a path, from the folder it is meant from; a reference with a scheme as it is."""
    if "://" in model:
        return model
    return str((folder / pathlib.Path(model).expanduser()).resolve())


def _from(given: settings.Settings, folder: pathlib.Path) -> settings.Settings:
    """The settings with the paths in them, but for the model's, from the folder that they are meant from."""
    files = {name: absolute(path, folder) for name in _FILES if (path := getattr(given, name))}
    truth = msgspec.structs.replace(given.monitors.truth, url=_placed(given.monitors.truth.url, folder))
    return msgspec.structs.replace(
        given,
        notify=tuple(_told(one, folder) for one in recipients.of(given.notify)),
        requires=tuple(msgspec.structs.replace(one, url=_placed(one.url, folder)) for one in given.requires),
        monitors=msgspec.structs.replace(given.monitors, truth=truth),
        log=msgspec.structs.replace(given.log, key=_placed(given.log.key, folder)),
        **files,
    )


def _shown(path: pathlib.Path) -> str:
    """As people would type it from here."""
    try:
        return str(path.resolve().relative_to(pathlib.Path.cwd()))
    except ValueError:
        return str(path)


def _told(one: recipients.Recipient, folder: pathlib.Path) -> str | recipients.Recipient:
    return recipients.entry(msgspec.structs.replace(one, address=_placed(one.address, folder)))


def _placed(secret: str, folder: pathlib.Path) -> str:
    """env:NAME as it is; file:PATH from the folder it is meant from."""
    kind, _, where = secret.partition(":")
    return f"file:{absolute(where, folder)}" if kind == "file" else secret


def _listed(read: keys.Tidegate, path: pathlib.Path) -> list[str]:
    """The sticky keys in the cohort's file: what stands in each of its lines. Raises SpecInvalid where it cannot be read."""
    cohort = read.release.cohort
    if cohort is None or not cohort.file:
        return []
    place = absolute(cohort.file, path.parent)
    try:
        found = [line.strip() for line in pathlib.Path(place).read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as unreadable:
        raise errors.SpecInvalid(
            f"`release.cohort.file` cannot be read: {unreadable}.",
            cure="Write it beside this file, a key in each line.",
            where=place,
        ) from unreadable
    if not found:
        raise errors.SpecInvalid(f"{cohort.file} lists nobody.", cure="Write a sticky key in each of its lines.", where=place)
    return found
