"""A proxy with TLS in front of an app, as a Space has one: it ends TLS, and says so to the app."""

import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
CHUNK = 1 << 16


def self_signed(folder: Path) -> Path:
    """Write a key and a certificate for loopback into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "loopback.pem"
    file.write_bytes(key.private_bytes(pem, kind, plain) + certificate.public_bytes(pem))
    return file


class TlsProxy:
    """Speaks TLS on a port of its own and passes each request on to the app's, one a connection."""

    def __init__(self, folder: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self_signed(folder))
        self._server = socket.create_server((HOST, 0), backlog=128)
        self.host = f"{HOST}:{self._server.getsockname()[1]}"
        self.url = f"https://{self.host}"
        self.app_port = 0  # set when the app is up

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    def _accept(self) -> None:
        while self._server.fileno() >= 0:
            with suppress(OSError):  # one that hangs up at once does not end the others
                connection, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            with self._context.wrap_socket(connection, server_side=True) as outside:
                request = _read_request(outside)
                if not request:
                    return
                with socket.create_connection((HOST, self.app_port)) as inside:
                    inside.sendall(request)
                    while packet := inside.recv(CHUNK):
                        outside.sendall(packet)


def _read_request(source: socket.socket) -> bytes:
    """Read a whole request; nothing is read while its answer is written."""
    data = b""
    while b"\r\n\r\n" not in data:
        packet = source.recv(CHUNK)
        if not packet:
            return b""
        data += packet
    head, _, body = data.partition(b"\r\n\r\n")
    length = _header(head, b"content-length")
    while len(body) < int(length or 0):
        packet = source.recv(CHUNK)
        if not packet:
            return b""
        body += packet
    return _forwarded(head) + body


def _header(head: bytes, name: bytes) -> bytes:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((value.strip() for key, _, value in lines if key.lower() == name), b"")


def _forwarded(head: bytes) -> bytes:
    """Say that the request came by TLS, and let its answer end the connection."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    said = [
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: " + _header(head, b"host"),
        b"X-Forwarded-For: 203.0.113.7",
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, *said]) + b"\r\n\r\n"
