"""The tidegate.yaml at hand: found, read, resolved."""

import dataclasses
import pathlib

import msgspec

from tidegate.core.spec import file, keys, settings
from tidegate.core.vocabulary import errors, recipients


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
        raise errors.SpecNotFound(f"the file cannot be read: {unreadable}.", where=str(path)) from unreadable
    read = file.load(text, name=_shown(path))
    if strategy:
        read = file.by(read, strategy)
    resolved = file.resolve(read, _listed(read, path))
    source = absolute(model, pathlib.Path.cwd()) if model else absolute(resolved.model, path.parent)
    example = absolute(resolved.example, path.parent) if resolved.example else ""
    training = absolute(resolved.training, path.parent) if resolved.training else ""
    check = absolute(resolved.check, path.parent) if resolved.check else ""
    notify = tuple(_told(one, path.parent) for one in recipients.of(resolved.notify))
    requires = tuple(msgspec.structs.replace(one, url=_placed(one.url, path.parent)) for one in resolved.requires)
    truth = msgspec.structs.replace(resolved.monitors.truth, url=_placed(resolved.monitors.truth.url, path.parent))
    monitors = msgspec.structs.replace(resolved.monitors, truth=truth)
    kept = msgspec.structs.replace(resolved.log, key=_placed(resolved.log.key, path.parent))
    placed = msgspec.structs.replace(resolved, model=source, example=example, check=check, notify=notify, requires=requires)
    placed = msgspec.structs.replace(placed, training=training)
    return Project(path, msgspec.structs.replace(placed, monitors=monitors, log=kept))


def absolute(model: str, folder: pathlib.Path) -> str:
    """A model given as a path, from the folder it is meant from; a reference with a scheme as it is."""
    if "://" in model:
        return model
    return str((folder / pathlib.Path(model).expanduser()).resolve())


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
