"""`mappings/<trial>` as typed, checked values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import DeclarationError
from netfhir.settings import shipped_mappings
from netfhir.trial import declaration

if TYPE_CHECKING:
    from pathlib import Path

NAME = "NCT05987176"


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """Return an empty folder of a site's own mappings."""
    (tmp_path / NAME / "sources").mkdir(parents=True)
    return tmp_path


def loaded(overlay: Path) -> declaration.Trial:
    """Return the trial with a site's overlay."""
    return declaration.load(NAME, [shipped_mappings(), overlay])


def refusal(overlay: Path, file: str, text: str) -> DeclarationError:
    """Return the refusal of a trial whose overlay has this file."""
    (overlay / NAME / file).write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        loaded(overlay).exports()
    return caught.value


def test_an_unknown_trial_is_refused_with_the_known_ones() -> None:
    """The error names what could have been meant."""
    with pytest.raises(DeclarationError) as caught:
        declaration.load("NCT0", [shipped_mappings()])
    assert caught.value.code == "unknown-trial"
    assert NAME in caught.value.expected


def test_a_misspelt_key_is_refused_with_file_and_key(overlay: Path) -> None:
    """A key that nobody reads is never ignored."""
    error = refusal(overlay, "trial.toml", '[sites.02]\nnmae = "Another"\n')
    assert error.where.startswith(f"{NAME}/trial.toml")
    assert "sites.02" in error.where


def test_a_zone_is_one_of_iana(overlay: Path) -> None:
    """A misspelt zone is refused before any time is read."""
    error = refusal(overlay, "trial.toml", '[sites.02]\nname = "B"\nzone = "Europe/Londom"\n')
    assert error.where == f"{NAME}/trial.toml:sites.02.zone"
    assert "no IANA time zone" in error.found


def test_a_site_adds_its_own(overlay: Path) -> None:
    """An overlay adds a site, and leaves the shipped one."""
    (overlay / NAME / "trial.toml").write_text('[sites.02]\nname = "B"\n', encoding="utf-8")
    assert set(loaded(overlay).file.sites) == {"01", "02"}


def test_an_export_is_chosen_by_name_or_by_its_only_format(overlay: Path) -> None:
    """Where a format is declared once, it is enough."""
    trial = loaded(overlay)
    assert trial.choose("redcap") == ("redcap", trial.export("redcap"))
    with pytest.raises(DeclarationError, match="unknown-source"):
        trial.choose("sdtm")


def test_two_exports_of_one_format_are_chosen_by_name() -> None:
    """The pilot has two of them: the format alone is ambiguous."""
    trial = declaration.load("CDISCPILOT01", [shipped_mappings()])
    assert trial.choose("msg")[0] == "msg"
    with pytest.raises(DeclarationError) as caught:
        trial.choose("sdtm")
    assert (caught.value.code, caught.value.expected) == (
        "ambiguous-source",
        "one of msg, pharmaverse",
    )


def test_a_source_with_a_misspelt_key_names_it(overlay: Path) -> None:
    """File, entity and key stand in the error."""
    text = 'format = "redcap"\ntitle = "B"\n[[entities]]\nentity = "dose"\nsubjcet = "id"\n'
    error = refusal(overlay, "sources/other.toml", text)
    assert error.where.startswith(f"{NAME}/sources/other.toml:entities.0.dose.")
