"""What came of compiling a bundle's model: HOME/reports/<digest>.json, for people. Nothing reads it to decide anything."""

import json
import pathlib
from typing import Any

import msgspec

from tidegate.core.vocabulary import home, manifests, placing
from tidegate.delivery.compiling import converting


def write(place: home.Home, digest: str, found: converting.Compiled, original: manifests.Manifest, tolerance: float) -> None:
    """The report of a bundle, whole or not at all. `original`: the manifest it has, or would have had, uncompiled."""
    place.reports.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {
        "compiled": bool(found.loader),
        "reason": found.reason,
        "source": original.provenance.source,
        "original": {"loader": original.loader, "digest": original.digest, "files": original.files, "lock": original.lock},
        "graph": found.graph,
        "tried": [{"graph": name, "failed": why} for name, why in found.tried],
        "tolerance": {"relative": tolerance, "absolute": tolerance / 100},
        "rows": found.rows,
        "probes": found.probes,
        "largest_difference": found.worst * tolerance,
        "rows_differing": found.differing,
        "disagreements": found.disagreements,
    }
    placing.put(place.reports / f"{digest}.json", msgspec.json.format(msgspec.json.encode(told), indent=2))


def said(place: home.Home, digest: str) -> str:
    """A bundle's report in one line; empty where there is none."""
    return _line(place.reports / f"{digest}.json")


def said_of(place: home.Home, source: str) -> str:
    """The newest report of a resolved model reference in one line; empty where it was never made."""
    try:
        written = sorted(place.reports.glob("[!.]*.json"), key=lambda path: -path.stat().st_mtime)
    except OSError:
        return ""
    return next((_line(path) for path in written if _read(path).get("source") == source), "")


def lock_of(place: home.Home, digest: str) -> tuple[str, ...]:
    """The packages of a compiled model's original; none where its report is gone."""
    original = _read(place.reports / f"{digest}.json").get("original")
    return tuple(original.get("lock") or ()) if isinstance(original, dict) else ()


def _line(path: pathlib.Path) -> str:
    told = _read(path)
    if not told:
        return ""
    where = f"reports/{path.name}"
    if told.get("compiled"):
        return f"compiled to ONNX: {told['rows']} rows and {told['probes']} probes answered alike ({where})"
    return f"not compiled to ONNX: {told.get('reason')} ({where})"


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
