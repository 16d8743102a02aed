"""The transport over real sockets: what it sends, and what failures become."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from netfhir.errors import AccessError, DeclarationError, RejectedError, TemporaryError
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def server(http: HTTPServer) -> HTTPServer:
    """Return the server without earlier expectations."""
    http.clear()
    return http


def _transport(server: HTTPServer, **changes: Any) -> Transport:
    base_url = str(server.url_for("/fhir"))
    return Transport(ServerSettings(**{"name": "s", "base_url": base_url, **changes}))


def test_bytes_go_out_as_they_are(server: HTTPServer) -> None:
    """Body, type and our headers; no address of the caller's making."""
    server.expect_oneshot_request(
        "/fhir/Observation/n1",
        method="PUT",
        data=b'{"value":7.40}',
        headers={"Content-Type": "application/fhir+json", "If-Match": 'W/"1"'},
    ).respond_with_data(b"{}", 201)
    headers = {"If-Match": 'W/"1"'}
    reply = _transport(server).send("PUT", "Observation/n1", b'{"value":7.40}', headers=headers)
    assert (reply.status, reply.content) == (201, b"{}")


def test_a_form_goes_in_the_body(server: HTTPServer) -> None:
    """Identifiers never stand in a URL."""
    server.expect_oneshot_request(
        "/fhir/Patient/_search", method="POST", data=b"identifier=s%7CCANARY", query_string=b""
    ).respond_with_data(b"{}")
    assert _transport(server).post_form("Patient/_search", {"identifier": "s|CANARY"}).status == 200


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({"auth": "bearer", "token": SecretStr("t0k")}, "Bearer t0k"),
        ({"auth": "basic", "user": "u", "password": SecretStr("p")}, "Basic dTpw"),
        ({}, None),
    ],
)
def test_credentials_are_those_that_were_named(
    server: HTTPServer, changes: dict[str, Any], header: str | None
) -> None:
    """Bearer, Basic or none."""
    seen: list[str | None] = []

    def answer(request: Request) -> Response:
        seen.append(request.headers.get("Authorization"))
        return Response(b"{}")

    server.expect_oneshot_request("/fhir/metadata").respond_with_handler(answer)
    _transport(server, **changes).get("metadata")
    assert seen == [header]


def test_nothing_is_taken_from_the_surroundings(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Neither .netrc nor proxy variables."""
    (tmp_path / ".netrc").write_text("machine localhost login stray password stray")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    test_credentials_are_those_that_were_named(server, {}, None)


def test_a_named_proxy_is_used(server: HTTPServer) -> None:
    """And nothing reaches the server when there is none at its address."""
    transport = _transport(server, proxy=f"http://127.0.0.1:{_closed_port()}")
    with pytest.raises(TemporaryError) as caught:
        transport.get("metadata")
    assert not caught.value.sent


def test_a_refused_connection_sent_nothing() -> None:
    """No server: temporary, and known not to have been sent."""
    settings = ServerSettings(name="s", base_url=f"http://127.0.0.1:{_closed_port()}/fhir")
    with pytest.raises(TemporaryError) as caught:
        Transport(settings).send("POST", "", b"{}")
    assert (caught.value.code, caught.value.sent) == ("no-answer", False)


def test_a_cut_connection_may_have_sent(server: HTTPServer) -> None:
    """The request arrived, the reply did not: unknown."""

    def cut(request: Request) -> Response:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response(status=500)

    server.expect_oneshot_request("/fhir").respond_with_handler(cut)
    with pytest.raises(TemporaryError) as caught:
        _transport(server).send("POST", "", b"{}")
    assert caught.value.sent


def test_silence_may_have_sent(server: HTTPServer) -> None:
    """No reply within the read timeout."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        base_url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        transport = _transport(server, base_url=base_url, read_timeout_s=0.05)
        with pytest.raises(TemporaryError) as caught:
            transport.send("POST", "", b"{}")
    assert caught.value.sent


def test_retry_after_is_kept(server: HTTPServer) -> None:
    """For whoever tries again."""
    server.expect_oneshot_request("/fhir").respond_with_data(b"", 503, headers={"Retry-After": "7"})
    with pytest.raises(TemporaryError) as caught:
        _transport(server).send("POST", "", b"{}")
    assert (caught.value.code, caught.value.retry_after_s) == ("http-503", 7.0)


@pytest.mark.parametrize(("status", "kind"), [(401, AccessError), (422, RejectedError)])
def test_a_refusal_is_an_error(server: HTTPServer, status: int, kind: type[Exception]) -> None:
    """It names the server and the path without a query."""
    server.expect_oneshot_request("/fhir/Patient/p").respond_with_data(b"CANARY", status)
    with pytest.raises(kind) as caught:
        _transport(server).get("Patient/p?x=CANARY")
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "location"),
    [(307, "https://elsewhere.example/fhir"), (302, "/other"), (307, "http://127.0.0.1:1/fhir")],
)
def test_a_redirect_elsewhere_is_refused(server: HTTPServer, status: int, location: str) -> None:
    """Another host, or one that would turn a write into a read: 78."""
    server.expect_request("/fhir").respond_with_data(b"", status, headers={"Location": location})
    with pytest.raises(DeclarationError, match="redirect"):
        _transport(server).send("POST", "", b"{}")


def test_a_redirect_on_the_host_is_followed(server: HTTPServer) -> None:
    """With the same method and body."""
    server.expect_oneshot_request("/fhir").respond_with_data(
        b"", 307, headers={"Location": "/fhir/"}
    )
    server.expect_oneshot_request("/fhir/", method="POST", data=b"{}").respond_with_data(b"ok")
    assert _transport(server).send("POST", "", b"{}").content == b"ok"


def test_redirects_in_a_circle_end(server: HTTPServer) -> None:
    """After three."""
    server.expect_request("/fhir").respond_with_data(b"", 307, headers={"Location": "/fhir"})
    with pytest.raises(DeclarationError, match="redirect"):
        _transport(server).send("POST", "", b"{}")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
