"""Where the listening sockets really are, as `up` wrote it down."""

import json

from tidegate.core.vocabulary import home


def read(place: home.Home) -> dict[str, str]:
    """{"http": "http://127.0.0.1:8080", "api": ...}; empty before the first `up`."""
    try:
        found = json.loads(place.addresses.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(address) for name, address in found.items()} if isinstance(found, dict) else {}


def predict(place: home.Home, endpoint: str) -> str:
    """Where an endpoint takes plain records; empty before the first `up`."""
    base = read(place).get("http", "")
    return f"{base}/endpoints/{endpoint}/predict" if base else ""
