"""Concepts and units are looked up by key, and a row without its proof is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import DeclarationError
from netfhir.terminology.concepts import Coding, Concept, Terminology

if TYPE_CHECKING:
    from pathlib import Path

CODING = {
    "system": "http://loinc.org",
    "code": "718-7",
    "display": "Hemoglobin [Mass/volume] in Blood",
    "source": "US Core",
    "status": "V",
    "licence": "loinc",
}
UNITS = '["g/dL"]\ndisplay = "g/dL"\nproperty = ["mass-concentration"]\nsource = "UCUM"\n'


def toml(coding: dict[str, str]) -> str:
    """Return a document of one concept with this coding."""
    lines = "\n".join(f'{key} = "{value}"' for key, value in coding.items())
    return f'[haemoglobin]\ntext = "Haemoglobin"\n[[haemoglobin.coding]]\n{lines}\n'


def loaded(tmp_path: Path, concepts: str, units: str = UNITS) -> Terminology:
    """Load a folder that holds these two documents."""
    folder = tmp_path / "terminology"
    folder.mkdir()
    (folder / "concepts.toml").write_text(concepts, encoding="utf-8")
    (folder / "units.toml").write_text(units, encoding="utf-8")
    return Terminology.load([tmp_path])


def test_a_concept_is_found_by_its_key(tmp_path: Path) -> None:
    """The declaration names keys, never codes."""
    terminology = loaded(tmp_path, toml(CODING))
    assert terminology.concept("haemoglobin", where="here").coding[0].code == "718-7"


def test_an_unknown_concept_names_the_declaration_and_close_keys(tmp_path: Path) -> None:
    """A misspelt key is a declaration's error, with what was perhaps meant."""
    with pytest.raises(DeclarationError, match="such as haemoglobin") as caught:
        loaded(tmp_path, toml(CODING)).concept("hemoglobin", where="codes.toml:hb")
    assert caught.value.where == "codes.toml:hb"


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A unit that is not declared is not guessed at."""
    with pytest.raises(DeclarationError, match="unknown-key"):
        loaded(tmp_path, toml(CODING)).unit("K/uL", where="codes.toml:wbc")


@pytest.mark.parametrize("field", ["system", "code", "source", "status", "licence"])
def test_a_coding_without_its_proof_is_refused(tmp_path: Path, field: str) -> None:
    """System, code, source, status and licence are not optional."""
    row = {key: value for key, value in CODING.items() if key != field}
    with pytest.raises(DeclarationError, match="bad-declaration") as caught:
        loaded(tmp_path, toml(row))
    assert caught.value.where == f"terminology/concepts.toml:haemoglobin.coding.0.{field}"


@pytest.mark.parametrize("field", ["system", "code", "source", "licence"])
def test_an_empty_proof_is_none(tmp_path: Path, field: str) -> None:
    """An empty text does not pass for a source."""
    with pytest.raises(DeclarationError, match="bad-declaration"):
        loaded(tmp_path, toml({**CODING, field: ""}))


def test_a_status_outside_the_closed_set_is_refused(tmp_path: Path) -> None:
    """What was not found has no status, and no row."""
    with pytest.raises(DeclarationError, match="bad-declaration"):
        loaded(tmp_path, toml({**CODING, "status": "UNVERIFIED"}))


def test_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    """A key that nothing reads is an error, never ignored."""
    with pytest.raises(DeclarationError, match="bad-declaration"):
        loaded(tmp_path, toml({**CODING, "displ": "x"}))


def test_a_unit_that_measures_nothing_is_refused(tmp_path: Path) -> None:
    """A unit states the kinds of quantity that it measures."""
    units = UNITS.replace('["mass-concentration"]', "[]")
    with pytest.raises(DeclarationError, match="bad-declaration"):
        loaded(tmp_path, toml(CODING), units)


def test_the_source_s_own_coding_comes_first() -> None:
    """What the trial said stands before what we translate it to."""
    ours = {"system": "urn:trial", "code": "HGB"}
    concept = Concept(text="Haemoglobin", coding=(Coding.model_validate(CODING),))
    assert [row["code"] for row in concept.codeable(ours)["coding"]] == ["HGB", "718-7"]


def test_a_concept_without_a_code_is_a_text() -> None:
    """No empty list of codings: FHIR has none."""
    assert Concept(text="Placebo").codeable() == {"text": "Placebo"}


def test_proof_is_not_sent() -> None:
    """Source, status and licence stay in the mappings; an empty display is left out."""
    coding = Coding.model_validate({**CODING, "display": ""})
    assert coding.as_fhir() == {"system": "http://loinc.org", "code": "718-7"}
