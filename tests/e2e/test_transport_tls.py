"""TLS over real sockets: a hospital's private certificate authority, and what is not trusted."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from netfhir.errors import DeclarationError
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file with a key and its certificate, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hospital.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "hospital.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[HTTPServer]:
    """Return a server that speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="127.0.0.1", ssl_context=context, threaded=True) as running:
        yield running


def _transport(server: HTTPServer, **changes: Any) -> Transport:
    base_url = f"https://127.0.0.1:{server.port}/fhir"
    return Transport(ServerSettings(**{"name": "s", "base_url": base_url, **changes}))


def test_the_named_authority_is_trusted(server: HTTPServer, certificate: Path) -> None:
    """With `ca_file` the hospital's own authority vouches, and the token travels."""
    server.expect_oneshot_request(
        "/fhir/metadata", headers={"Authorization": "Bearer secret"}
    ).respond_with_json({})
    given = _transport(server, ca_file=certificate, auth="bearer", token=SecretStr("secret"))
    assert given.get("metadata").status == 200


def test_another_authority_is_not(server: HTTPServer) -> None:
    """Without it nothing is sent: the settings are to be mended, so the status is 78."""
    with pytest.raises(DeclarationError) as caught:
        _transport(server).get("metadata")
    assert caught.value.code == "tls"
    assert "ca_file" in caught.value.remedy
    assert caught.value.exit_status == 78
