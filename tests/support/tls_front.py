"""TLS before a plain Temporal server: what a self-hosted server with mTLS, or Temporal Cloud, looks like."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME: Final = "temporal.example"


@dataclass(frozen=True)
class Papers:
    """Files of one certificate authority: its own certificate, a server's and a client's."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_papers(folder: Path) -> Papers:
    folder.mkdir(parents=True, exist_ok=True)
    papers = Papers(
        *(folder / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key"))
    )
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", authority_key, authority_key, None)
    papers.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    for name, file, key_file in (
        (NAME, papers.server, papers.server_key),
        ("client", papers.client, papers.client_key),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        found = _certificate(name, key, authority_key, authority)
        file.write_bytes(found.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return papers


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(IPv4Address("127.0.0.1"))]),
            critical=False,
        )
    )
    return builder.sign(signer, hashes.SHA256())


@asynccontextmanager
async def tls_front(address: str, papers: Papers, *, mutual: bool) -> AsyncIterator[str]:
    """The address of a TLS end before `address`; with `mutual`, it wants a client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(papers.server, papers.server_key)
    context.set_alpn_protocols(["h2"])
    if mutual:
        context.load_verify_locations(papers.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    host, port = address.rsplit(":", 1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pipe(reader, onward), _pipe(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError, ssl.SSLError):
        writer.close()
