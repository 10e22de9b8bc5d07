"""What a model reference means."""

import dataclasses
import pathlib
import re
import urllib.parse
from collections.abc import Iterable

from tidegate.core.vocabulary import errors

_MLFLOW = re.compile(r"(?:mlflow://|models:/)(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<version>[^@/]+))")
_MEMBER = re.compile(r"(?P<path>.+\.py):(?P<member>[A-Za-z_]\w*)")
CURE = "Write mlflow://NAME@ALIAS, mlflow://NAME/VERSION, or the path of a model file or an MLflow model folder."


@dataclasses.dataclass(frozen=True)
class Registered:
    """A model version in an MLflow registry; either alias or version is given."""

    name: str
    alias: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"mlflow://{self.name}@{self.alias}" if self.alias else f"mlflow://{self.name}/{self.version}"


@dataclasses.dataclass(frozen=True)
class Local:
    """A model on this machine: a file, or a folder with an MLmodel."""

    path: pathlib.Path
    member: str = ""
    """The class in a Python file that is the model; empty: the file's only one."""

    def __str__(self) -> str:
        return f"{self.path.as_uri()}:{self.member}" if self.member else self.path.as_uri()


def parse(reference: str) -> Registered | Local:
    """The source a reference names. Raises ModelSourceInvalid for one that names none, or a path where nothing is."""
    reference = reference.strip()
    if reference.startswith(("mlflow:", "models:")):
        found = _MLFLOW.fullmatch(reference)
        if found is None:
            raise errors.ModelSourceInvalid(f"{reference} names no version of a model.", cure=CURE)
        version = found["version"] or ""
        if version and not version.isdigit():
            raise errors.ModelSourceInvalid(f"{reference}: a version is a number; an alias is written with @.", cure=CURE)
        return Registered(urllib.parse.unquote(found["name"]), found["alias"] or "", version)
    if reference.startswith("file:"):
        parts = urllib.parse.urlsplit(reference)
        if parts.netloc not in ("", "localhost"):
            raise errors.ModelSourceInvalid(f"{reference} is on another machine.", cure="Write file:///PATH.")
        reference = urllib.parse.unquote(parts.path)
    elif "://" in reference:
        raise errors.ModelSourceInvalid(f"{reference}: nothing here reads {reference.partition(':')[0]}.", cure=CURE)
    named = _MEMBER.fullmatch(reference)
    path = pathlib.Path(named["path"] if named else reference).expanduser().absolute()
    if not reference or not path.exists():
        raise errors.ModelSourceInvalid(f"there is no model at {reference or 'an empty path'}.", cure=CURE)
    return Local(path, named["member"] if named else "")


def unknown(source: Registered, versions: Iterable[int], aliases: Iterable[str]) -> errors.ModelUnknown:
    """The error for a version or alias that a model does not have, listing those it has."""
    asked = f"alias {source.alias}" if source.alias else f"version {source.version}"
    known = f"versions {', '.join(map(str, sorted(versions, reverse=True)[:20]))}"
    named = ", ".join(sorted(aliases))
    return errors.ModelUnknown(
        f"{source.name} has no {asked}.", cure=f"It has {known}; {f'aliases {named}' if named else 'no aliases'}."
    )


def unknown_name(source: Registered, names: Iterable[str]) -> errors.ModelUnknown:
    """The error for a model that is not registered, listing those that are."""
    known = ", ".join(sorted(names)[:50])
    return errors.ModelUnknown(
        f"MLflow has no model {source.name}.", cure=f"It has {known}." if known else "It has none: register one first."
    )
