"""How facts are named at a site."""

from __future__ import annotations

from netfhir.fhir.identity import SiteKey, SourceKey
from netfhir.trial.naming import Naming

KEY = SiteKey(b"one key of sixteen bytes or more")
NAMING = Naming("NCT1", "https://site.example/nct1", "https://site.example/subject", KEY)


def test_a_key_belongs_to_the_study() -> None:
    """Two studies never share a key."""
    assert NAMING.key("S1", "V1", "LB", "HB", "2") == SourceKey("NCT1", "S1", "V1", "LB", "HB", "2")


def test_an_identifier_has_the_sites_base() -> None:
    """System: the site's base; value: the source key."""
    assert NAMING.identifier(NAMING.key("S1")) == {
        "system": "https://site.example/nct1",
        "value": "nct1|s1||||",
    }


def test_an_id_follows_the_identifier() -> None:
    """Another base or another key gives another id, the same ones give the same."""
    key = NAMING.key("S1")
    elsewhere = Naming("NCT1", "https://other.example", NAMING.subjects, KEY)
    rekeyed = Naming("NCT1", NAMING.base, NAMING.subjects, SiteKey(b"another key of this site"))
    assert NAMING.id(key) == NAMING.id(key)
    assert len({NAMING.id(key), elsewhere.id(key), rekeyed.id(key)}) == 3


def test_a_reference_is_literal() -> None:
    """Type and derived id: `plan` may rewrite it to what the server holds."""
    key = NAMING.key(form="study")
    assert NAMING.reference("ResearchStudy", key) == {
        "reference": f"ResearchStudy/{NAMING.id(key)}"
    }


def test_a_patient_is_a_placeholder() -> None:
    """Patients are the hospital's: only our number of the subject is named."""
    assert NAMING.patient("S1") == {
        "identifier": {"system": "https://site.example/subject", "value": "S1"},
        "type": "Patient",
    }
