"""Log lines for people: which files, which lines, in which order, and how a JSON line reads."""

import datetime as dt
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from tidegate.core.vocabulary import errors, home, instances

TAIL_BYTES = 256 << 10
_SAID = ("at", "level", "logger", "instance", "event", "stack")


def files(place: home.Home, wanted: str) -> list[pathlib.Path]:
    """The log files of "" (all), a process, an endpoint or ENDPOINT/VERSION. Raises NotRunning or EndpointUnknown."""
    if not place.logs.is_dir():
        raise errors.NotRunning("there are no logs here.", where=str(place.logs), cure="They begin with `tidegate up`.")
    known = sorted(place.logs.glob("*.log"))
    if not wanted:
        return known
    exact = place.logs / f"{wanted}.log"
    if "/" not in wanted and exact in known:
        return [exact]
    endpoint, _, version = wanted.partition("/")
    found = [path for path in known if _is_worker(place, path.stem, endpoint, version.removeprefix("v"))]
    if found:
        return found
    names = ", ".join(path.stem for path in known) or "none"
    raise errors.EndpointUnknown(f"there is no log of {wanted}.", cure=f"There are logs of {names}.")


def _is_worker(place: home.Home, name: str, endpoint: str, ordinal: str) -> bool:
    """By its specification while it has one; afterwards by its name, which begins with both."""
    spec = instances.read(place.instances / f"{name}.json")
    if spec is not None:
        return spec.labels.get("endpoint") == endpoint and ordinal in {"", spec.labels.get("ordinal", "")}
    stem = f"w-{endpoint[:12].strip('-')}-"
    rest = name.removeprefix(stem).split("-")
    return name.startswith(stem) and len(rest) == 3 and ordinal in {"", rest[0]}


def tail(path: pathlib.Path, lines: int) -> tuple[list[str], int]:
    """The last lines of a file, and the offset after them."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            raw = file.read(TAIL_BYTES)
    except FileNotFoundError:
        return [], 0
    whole = raw[: raw.rfind(b"\n") + 1]
    found = whole.decode("utf-8", "replace").splitlines()
    if size > TAIL_BYTES:
        found = found[1:]
    return found[-lines:] if lines else [], max(0, size - len(raw)) + len(whole)


def more(path: pathlib.Path, offset: int) -> tuple[list[str], int]:
    """Whole lines written since an offset; a file that has become shorter was emptied, and is read from its start."""
    try:
        size = path.stat().st_size
        start = 0 if size < offset else offset
        with path.open("rb") as file:
            file.seek(start)
            raw = file.read()
    except FileNotFoundError:
        return [], 0
    whole = raw[: raw.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace").splitlines(), start + len(whole)


def parse(line: str, instance: str) -> dict[str, Any]:
    """A line as its fields; what is no JSON line (a model's print, a crash of the interpreter) is an event by itself."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "event" not in found:
        return {"at": "", "level": "", "instance": instance, "event": line}
    return {**found, "instance": found.get("instance") or instance}


def merged(places: list[pathlib.Path], lines: int) -> tuple[list[dict[str, Any]], dict[pathlib.Path, int]]:
    """The last lines of several files in the order of their times, and the offsets after them.

    A line without a time belongs to the one before it in its file.
    """
    keyed: list[tuple[str, int, int, dict[str, Any]]] = []
    offsets = {}
    for number, path in enumerate(places):
        found, offsets[path] = tail(path, lines)
        at = ""
        for order, line in enumerate(found):
            fields = parse(line, path.stem)
            at = str(fields["at"]) or at
            keyed.append((at, number, order, fields))
    keyed.sort(key=lambda one: one[:3])
    return [one[3] for one in keyed[-lines:]] if lines else [], offsets


def shown(fields: dict[str, Any]) -> Iterator[str]:
    """A line for people: time, process, level unless info, the event, what stands beside it; then its stack."""
    level = str(fields.get("level", ""))
    more_facts = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if key not in _SAID)
    parts = (
        _clock(str(fields["at"])),
        f"{fields['instance']:<14}",
        "" if level in {"", "info"} else level.upper(),
        str(fields["event"]),
    )
    yield " ".join(part for part in (*parts, more_facts) if part)
    for line in str(fields.get("stack", "")).splitlines():
        yield f"    {line}"


def _clock(at: str) -> str:
    try:
        return dt.datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return " " * 12


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (not text or " " in text) else text
