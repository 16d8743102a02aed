"""A server by its name, or by its address."""

from __future__ import annotations

import pytest

from netfhir.errors import DeclarationError
from netfhir.runs.servers import server
from netfhir.settings import Settings

DECLARED = Settings(servers={"main": {"base_url": "https://fhir.example/r4"}})


def test_a_declared_server_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is the file's, its secrets are the environment's."""
    monkeypatch.setenv("NETFHIR_MAIN_TOKEN", "s3cret")
    found = server("main", DECLARED)
    assert (found.name, found.base_url) == ("main", "https://fhir.example/r4")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("address", "name"),
    [("http://127.0.0.1:8080/fhir", "127.0.0.1-8080"), ("https://fhir.example/r4", "fhir.example")],
)
def test_an_address_names_itself(address: str, name: str) -> None:
    """Host and port make the name, which names the state's folder."""
    found = server(address, Settings())
    assert (found.name, found.base_url) == (name, address)


@pytest.mark.parametrize("given", ["mian", "ftp://fhir.example", "https://"])
def test_what_is_neither_is_refused_with_the_known_names(given: str) -> None:
    """A misspelt name is no address."""
    with pytest.raises(DeclarationError) as caught:
        server(given, DECLARED)
    assert caught.value.code == "unknown-server"
    assert "main" in caught.value.expected


def test_a_misspelt_key_of_a_server_is_named() -> None:
    """File, server and key; what it holds is not shown."""
    wrong = Settings(servers={"main": {"base_url": "https://a.example", "tokn": "s3cret"}})
    with pytest.raises(DeclarationError) as caught:
        server("main", wrong)
    assert caught.value.where == "netfhir.toml:servers.main.tokn"
    assert "s3cret" not in str(caught.value)
