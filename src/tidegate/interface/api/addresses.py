"""Where the listening sockets really are, as `up` wrote it down, and whom to take for them where they speak TLS."""

import json
import ssl

from tidegate.core.vocabulary import errors, home, instances


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


def trust(place: home.Home) -> ssl.SSLContext | None:
    """What connecting to predictions takes: by TLS, trust in the very certificate that our gateways show, whatever name is in
    it; None without TLS. Raises ProcessError when the certificate cannot be read.
    """
    if not read(place).get("http", "").startswith("https:"):
        return None
    gateway = instances.read(place.instances / "gateway-0.json")
    chain = gateway.labels.get("tls.cert", "") if gateway else ""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(chain)
    except OSError as wrong:
        raise errors.ProcessError(f"the certificate cannot be read: {wrong.strerror or wrong}.", where=chain) from wrong
    return context
