"""`netfhir.toml` and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from netfhir import settings
from netfhir.errors import DeclarationError


def refusal(path: Path) -> DeclarationError:
    """Return the refusal of a file."""
    with pytest.raises(DeclarationError) as caught:
        settings.load(path)
    return caught.value


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """Mappings, state and servers."""
    path = tmp_path / "mine.toml"
    path.write_text('state = "s"\n[servers.a]\nbase_url = "https://a.example"\n', encoding="utf-8")
    loaded = settings.load(path)
    assert loaded.state == Path("s")
    assert loaded.servers == {"a": {"base_url": "https://a.example"}}


def test_no_file_is_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default file may be absent."""
    monkeypatch.chdir(tmp_path)
    assert settings.load(None) == settings.Settings()


def test_the_default_file_is_that_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`netfhir.toml` in the working folder is found."""
    monkeypatch.chdir(tmp_path)
    Path("netfhir.toml").write_text('state = "here"\n', encoding="utf-8")
    assert settings.load(None).state == Path("here")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """A broken configuration is not read as none."""
    assert refusal(tmp_path / "none.toml").code == "missing-settings"


@pytest.mark.parametrize("octets", [b"state = ", b"state = '\xff'"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, octets: bytes) -> None:
    """Syntax and encoding both count."""
    path = tmp_path / "mine.toml"
    path.write_bytes(octets)
    assert (refusal(path).code, refusal(path).where) == ("not-toml", "mine.toml")


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    """File and key are named."""
    path = tmp_path / "mine.toml"
    path.write_text('stat = "s"\n', encoding="utf-8")
    assert refusal(path).where == "mine.toml:stat"


def test_a_bad_value_is_not_shown(tmp_path: Path) -> None:
    """What stands in the file may be a secret that does not belong there."""
    path = tmp_path / "mine.toml"
    path.write_text('servers = "s3cr3t-t0ken"\n', encoding="utf-8")
    assert "s3cr3t" not in str(refusal(path))


def test_the_sites_key_comes_from_the_environment() -> None:
    """As it stands, in UTF-8."""
    assert settings.site_key({"NETFHIR_SITE_KEY": "0123456789abcdef"}) == b"0123456789abcdef"


@pytest.mark.parametrize("environment", [{}, {"NETFHIR_SITE_KEY": "short-s3cret"}])
def test_a_missing_or_short_key_names_its_variable(environment: dict[str, str]) -> None:
    """The variable is named, what it holds is not."""
    with pytest.raises(DeclarationError) as caught:
        settings.site_key(environment)
    assert (caught.value.code, caught.value.where) == ("missing-site-key", "NETFHIR_SITE_KEY")
    assert "s3cret" not in str(caught.value)


def test_the_published_key_is_long_enough() -> None:
    """Demo and tests use a key that a site might have."""
    assert len(settings.DEMO_SITE_KEY) >= settings.SHORTEST_KEY


def test_secrets_of_a_server_are_named_after_it() -> None:
    """Letters and digits in upper case, all else an underscore; another server's are not taken."""
    environment = {
        "NETFHIR_MAIN_SITE_TOKEN": "t",
        "NETFHIR_MAIN_SITE_USER": "u",
        "NETFHIR_OTHER_PASSWORD": "p",
    }
    assert settings.secrets("main-site", environment) == {"token": "t", "user": "u"}


def test_shipped_mappings_are_found() -> None:
    """In a checkout or in a wheel."""
    assert (settings.shipped_mappings() / "terminology" / "concepts.toml").is_file()
