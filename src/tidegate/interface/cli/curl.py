"""A request that works, from the model's own example, to paste into a shell."""

import json
import shlex
from typing import Any

from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.models import bundles
from tidegate.interface.api import addresses
from tidegate.interface.cli import reaching

_WIDEST = 2_000


def of(place: home.Home, endpoint: str, digest: str) -> str:
    """The command, or "" where the bundle has no example or nothing is up."""
    url = addresses.predict(place, endpoint)
    rows = example(place, digest)
    if not url or not rows:
        return ""
    body = json.dumps({"records": rows[:1]}, ensure_ascii=False)
    if len(body) > _WIDEST:
        return ""
    unnamed = "-k " if url.startswith("https:") else ""  # the certificate is for another name than this machine's own
    shown = f'-H "authorization: Bearer $(cat {shlex.quote(str(place.token))})" ' if reaching.bearer(place, endpoint) else ""
    return f"curl -s {unnamed}{shlex.quote(url)} {shown}-H 'content-type: application/json' -d {shlex.quote(body)}"


def example(place: home.Home, digest: str) -> list[dict[str, Any]]:
    """The rows of a bundle's example; empty where it has none, or none that are records."""
    folder = place.bundles / digest
    try:
        manifest = bundles.read_manifest(folder)
        if not manifest.example:
            return []
        found = json.loads((folder / manifest.example).read_bytes())
    except (errors.ModelError, OSError, ValueError):
        return []
    rows = found.get("records", []) if isinstance(found, dict) else found
    return rows if isinstance(rows, list) else []
