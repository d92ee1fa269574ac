"""TLS in front of a Redis on a Unix socket, with a certificate that it signed itself."""

from __future__ import annotations

import datetime
import hashlib
import socket
import ssl
import threading
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class TlsRedis:
    """The server, running. `received` counts bytes that clients sent after the handshake."""

    def __init__(self, path: str, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._threads: list[threading.Thread] = []
        self.received = 0

    def __enter__(self) -> Self:
        key, certificate = _self_signed()
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.certificate = pem.decode()
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.fingerprint = hashlib.sha256(der).hexdigest()
        chain = self._folder / "server.pem"
        chain.write_bytes(key + pem)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(chain)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rediss://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._serve)
        return self

    def __exit__(self, *args: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, function: object, *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(5)
                self._start(self._connected, client)

    def _connected(self, client: socket.socket) -> None:
        """One exchange after the other: Redis answers every request before the next."""
        with (
            client,
            suppress(OSError),
            self._context.wrap_socket(client, server_side=True) as line,
            socket.socket(socket.AF_UNIX) as server,
        ):
            server.connect(self._path)
            while asked := line.recv(65536):
                self.received += len(asked)
                server.sendall(asked)
                line.sendall(server.recv(65536))


def _self_signed() -> tuple[bytes, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=1),
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate
