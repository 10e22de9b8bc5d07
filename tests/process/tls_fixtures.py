"""Certificates for tests, and a client that speaks TLS."""

import datetime as dt
import ipaddress
import pathlib
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.process.gateway_fixtures import Client


def issue(folder: pathlib.Path, name: str = "server") -> tuple[pathlib.Path, pathlib.Path]:
    """A new self-signed certificate for 127.0.0.1 and its key, put in place as renewal does: (NAME.pem, NAME.key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {number:x}"[:64])])
    now = dt.datetime.now(dt.UTC)
    known = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    put(folder / f"{name}.pem", made.public_bytes(serialization.Encoding.PEM))
    put(
        folder / f"{name}.key",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
    return folder / f"{name}.pem", folder / f"{name}.key"


def put(path: pathlib.Path, content: bytes) -> None:
    """Replace a file at once."""
    scratch = path.with_suffix(".new")
    scratch.write_bytes(content)
    scratch.replace(path)


def trusting(*chains: pathlib.Path) -> ssl.SSLContext:
    """What a client that trusts these certificates uses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for chain in chains:
        context.load_verify_locations(chain)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


class TlsClient(Client):
    """A client whose connection is encrypted."""

    def __init__(self, port: int, context: ssl.SSLContext, receives: int = 0) -> None:
        plain = socket.socket()
        if receives:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        plain.settimeout(10.0)
        plain.connect(("127.0.0.1", port))
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    @property
    def serial(self) -> str:
        """Of the certificate it was shown."""
        return self.socket.getpeercert()["serialNumber"]
