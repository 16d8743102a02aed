"""How types are taken back: the shipped policy, and a site's own over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir import mappers
from netfhir.errors import DeclarationError
from netfhir.fhir import tables
from netfhir.fhir.canonical import resource
from netfhir.fhir.draft import Draft
from netfhir.fhir.gate import Gate
from netfhir.settings import shipped_mappings
from netfhir.sync.policy import takings

if TYPE_CHECKING:
    from pathlib import Path

GOLDENS = shipped_mappings().parent / "fixtures" / "NCT05987176" / "expected"
WITHOUT = {"PractitionerRole", "ResearchSubject"}
"""Types that R4 gives no status for it: deleted, or by a site's policy."""


def _goldens(folder: Path) -> list[dict[str, Any]]:
    return [resource(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_what_was_taken_back_is_valid(fhir: Any) -> None:
    """Each golden resource passes the gate of its version once it was taken back."""
    policy, gate = takings(fhir=fhir), Gate(fhir)
    bodies = _goldens(GOLDENS if fhir == "r4" else GOLDENS / "r5")
    judged = [body for body in bodies if body["resourceType"] in policy]
    assert len(judged) > 10
    for body in judged:
        after = policy[body["resourceType"]].applied(body)
        assert after != body
        gate.check(Draft(body["resourceType"], body["id"], after, body["resourceType"]))


def test_every_type_that_is_emitted_has_its_way() -> None:
    """A type that is mapped is taken back by the policy, or is known to have no status for it."""
    emitted = {kind for kinds in mappers.emitted().values() for kind in kinds}
    assert emitted - takings().keys() <= WITHOUT
    assert takings().keys() <= tables.read("r4", "structure").keys()


def test_all_else_stays() -> None:
    """Only what the policy names changes; an element to remove is gone; the tag is added once."""
    condition = takings()["Condition"].applied({"clinicalStatus": {}, "note": [{"text": "n"}]})
    assert condition.keys() == {"verificationStatus", "note"}
    study = takings()["ResearchStudy"].applied({"meta": {"tag": [{"code": "own"}]}})
    assert [tag["code"] for tag in study["meta"]["tag"]] == ["own", "nullified"]
    assert takings()["ResearchStudy"].applied(study) == study


def test_a_site_has_the_last_word(tmp_path: Path) -> None:
    """Its table replaces the shipped one of that type; the others stay."""
    file = tmp_path / "policy.toml"
    file.write_text('[ResearchSubject]\nset = { status = "withdrawn" }\n', encoding="utf-8")
    found = takings(file)
    assert found["ResearchSubject"].set == {"status": "withdrawn"}
    assert found["Observation"] == takings()["Observation"]


@pytest.mark.parametrize("text", ["[", "[Observation]\nset = {}\n", "[Observation]\nput = 1\n"])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    """No TOML, nothing to set, an unknown key: 78, with the file's name."""
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        takings(file)
    assert str(file) in caught.value.where
    with pytest.raises(DeclarationError):
        takings(tmp_path / "absent.toml")
