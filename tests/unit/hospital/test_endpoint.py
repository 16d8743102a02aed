"""Settings that cannot work, or would give a secret away, are refused before any request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from netfhir.errors import DeclarationError
from netfhir.hospital.endpoint import ServerSettings, check


def _settings(**changes: Any) -> ServerSettings:
    return ServerSettings(**{"name": "s", "base_url": "https://fhir.example/r4", **changes})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"base_url": "ftp://fhir.example"}, "base-url"),
        ({"base_url": "fhir.example/r4"}, "base-url"),
        ({"base_url": "https://user:secret@fhir.example"}, "base-url"),
        ({"base_url": "https://fhir.example?x=1"}, "base-url"),
        ({"ca_file": Path("nowhere.pem")}, "ca-file"),
        ({"auth": "bearer"}, "secret-missing"),
        ({"auth": "basic", "user": "u"}, "secret-missing"),
        (
            {"auth": "bearer", "token": SecretStr("t"), "base_url": "http://fhir.example"},
            "auth-without-tls",
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], code: str) -> None:
    """Each is a DeclarationError (78) with its own code."""
    with pytest.raises(DeclarationError) as caught:
        check(_settings(**changes))
    assert caught.value.code == code


def test_a_refusal_tells_no_secret() -> None:
    """A password that stands in base_url is not repeated."""
    with pytest.raises(DeclarationError) as caught:
        check(_settings(base_url="https://user:s3cret@fhir.example"))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_needs_no_tls(host: str) -> None:
    """Bearer over plain http is taken on the machine itself."""
    check(_settings(base_url=f"http://{host}:8080", auth="bearer", token=SecretStr("t")))


def test_secrets_do_not_print() -> None:
    """The settings' text holds no secret."""
    assert "s3cret" not in repr(_settings(token=SecretStr("s3cret")))
