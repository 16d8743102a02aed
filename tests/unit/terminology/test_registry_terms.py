"""The registry's terms: every row says what it means, where it was found, or why it has no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import study_cases
from netfhir.errors import DeclarationError
from netfhir.mappers.study import drafts
from netfhir.terminology.registry import RegistryTerms

if TYPE_CHECKING:
    from pathlib import Path

_OURS = "https://site.example/StructureDefinition/"
_NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


def _overlaid(folder: Path, text: str) -> RegistryTerms:
    file = folder / "terminology" / "registry.toml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    return RegistryTerms.load([study_cases.MAPPINGS, folder])


def test_a_coding_carries_the_licence_of_its_system() -> None:
    """NCI's codes are NCI's, all others are HL7's; none is local and none needs a licence."""
    terms = [term for table in study_cases.terms().tables.values() for term in table.values()]
    codings = [coding for term in terms for coding in term.coding]
    assert len(codings) > 50
    for coding in codings:
        assert coding.licence == ("nci" if coding.system == _NCIT else "hl7-cc0"), coding
        assert coding.status in {"V", "V1"}, coding
        assert coding.system == _NCIT or coding.system.startswith(
            ("http://terminology.hl7.org/CodeSystem/", "http://hl7.org/fhir/")
        )


def test_words_tell_the_values_of_an_enum_apart() -> None:
    """Two values of one enum never read the same; only singular and plural of a unit do."""
    for name, table in study_cases.terms().tables.items():
        words = [term.text for term in table.values()]
        assert len(set(words)) == len(words) // (2 if name == "AgeUnit" else 1), name


def test_a_row_without_code_and_reason_is_refused(tmp_path: Path) -> None:
    """The error names the row."""
    with pytest.raises(DeclarationError) as caught:
        _overlaid(tmp_path, '[Phase.PHASE5]\ntext = "Phase 5"\n')
    assert caught.value.where.startswith("terminology/registry.toml:Phase.PHASE5")


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    """A key that no row has is an error, never ignored."""
    with pytest.raises(DeclarationError):
        _overlaid(tmp_path, '[Phase.PHASE5]\ntext = "Phase 5"\nresaon = "none"\n')


def test_a_site_without_hl7_s_package_names_its_own_extensions(tmp_path: Path) -> None:
    """One key in an overlay gives every extension for R5 content another base than HL7's."""
    text = f'override = true\nextension_base = "{_OURS}"\n'
    terms = _overlaid(tmp_path, text)
    study = study_cases.trial("NCT05987176").study
    draft = list(drafts(study, study_cases.naming(study.key), terms))[-1]
    body = draft.in_version("r4", terms.extension_base).body
    urls = {one["url"].rpartition("/")[0] + "/" for one in body["extension"]}
    assert urls == {_OURS, "http://hl7.org/fhir/StructureDefinition/"}
