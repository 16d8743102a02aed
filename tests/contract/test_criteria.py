"""What holds for the criteria of every trial, and for every row of the concept sets."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from ucumvert import get_ucum_parser

from hospital_records import ROOT
from netfhir.screening import concept_sets, criteria
from netfhir.screening.needs import Facts, Value
from netfhir.sources.criteria_text import criteria as split
from netfhir.terminology.concepts import Terminology

if TYPE_CHECKING:
    from lark import Lark

    from netfhir.screening.concept_sets import Answer

MAPPINGS = ROOT / "mappings"
TRIALS = sorted(path.parent.name for path in MAPPINGS.glob("*/criteria.toml"))
SETS = concept_sets.load([MAPPINGS], Terminology.load([MAPPINGS]))

LICENCES = {
    "http://loinc.org": ("loinc", r"(LA)?\d{1,5}-\d"),
    "http://snomed.info/sct": ("snomed-gps", r"[1-9]\d{5,8}"),
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": ("nci", r"C\d{4,6}"),
    "http://www.whocc.no/atc": ("who-atc", r"[A-Z]\d\d[A-Z]{2}\d\d"),
    "http://www.nlm.nih.gov/research/umls/rxnorm": ("rxnorm", r"\d{4,7}"),
    "http://hl7.org/fhir/sid/icd-10-cm": ("icd-10-cm", r"[A-Z]\d[\dA-Z](\.\d{1,3})?"),
    "http://hl7.org/fhir/sid/icd-10": ("who-icd", r"[A-Z]\d\d(\.\d)?"),
    "http://terminology.hl7.org/CodeSystem/icd-o-3": ("who-icd", r"\d{4}/\d"),
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation": ("hl7-cc0", r"[A-Z]+"),
    "https://netfhir.example/NCT05987176/finding": ("own", r"[a-z0-9-]+"),
}
#: SNOMED CT that terminology sources mark as of the Global Patient Set; nothing else is shipped.
GLOBAL_PATIENT_SET = {
    "107938000",
    "107963000",
    "14669001",
    "1663004",
    "258253006",
    "26390003",
    "33149006",
    "33195004",
    "363688001",
    "367336001",
    "420300004",
    "420816009",
    "420913000",
    "421704003",
    "422293003",
    "42343007",
    "42399005",
    "44054006",
    "44378008",
    "46635009",
    "49209004",
    "54102005",
    "60001007",
    "61026006",
    "709044004",
    "73211009",
    "77386006",
    "80146002",
    "84114007",
    "90688005",
}


def rows() -> list[tuple[str, Answer]]:
    """Return every row of every set."""
    return [(key, row) for key, one in SETS.sets.items() for row in (*one.coding, *one.answer)]


@cache
def parser() -> Lark:
    """Return the one parser of UCUM's grammar."""
    found: Lark = get_ucum_parser()
    return found


@pytest.mark.parametrize("trial", TRIALS)
def test_the_words_are_the_registry_s(trial: str) -> None:
    """Every criterion of the record is declared, verbatim, and no other."""
    record = json.loads((MAPPINGS / trial / "registry.json").read_bytes())
    text = record["protocolSection"]["eligibilityModule"]["eligibilityCriteria"]
    theirs = {f"{one.kind[0].upper()}{one.number}": one.text for one in split(text)}
    ours = criteria.load(trial, [MAPPINGS]).criteria
    assert {key: one.text for key, one in ours.items()} == theirs
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("trial", TRIALS)
def test_a_threshold_has_a_unit_of_ucum(trial: str) -> None:
    """A unit that no laboratory can send would never be met."""
    file = criteria.load(trial, [MAPPINGS])
    units = set(file.unit_spellings.values())
    for one in file.criteria.values():
        for need in one.needs.values():
            units |= set(need.thresholds) if isinstance(need, Value) else set()
    for unit in units:
        assert parser().parse(unit), unit


@pytest.mark.parametrize("trial", TRIALS)
def test_a_spelling_does_not_hide_a_unit(trial: str) -> None:
    """K/uL is valid UCUM and means kelvin: it is respelt; no unit of a threshold is."""
    file = criteria.load(trial, [MAPPINGS])
    named = {
        unit
        for one in file.criteria.values()
        for need in one.needs.values()
        if isinstance(need, Value)
        for unit in need.thresholds
    }
    assert not named & set(file.unit_spellings)
    assert file.unit_spellings["K/uL"] == "10*3/uL"


@pytest.mark.parametrize("trial", TRIALS)
def test_a_limit_in_time_is_never_on_a_diagnosis_that_lasts(trial: str) -> None:
    """Only results, states and events grow old."""
    for key, one in criteria.load(trial, [MAPPINGS]).criteria.items():
        for need in one.needs.values():
            if isinstance(need, Facts) and need.fresh_days is not None and not need.current:
                types = {kind for name in need.concepts for kind in SETS.sets[name].types}
                assert types == {"Observation"}, key


@pytest.mark.parametrize(("key", "row"), rows())
def test_a_row_has_the_licence_and_the_syntax_of_its_system(key: str, row: Answer) -> None:
    """A system that nobody looked at is refused."""
    licence, syntax = LICENCES[row.system]
    assert row.licence == licence, key
    assert re.fullmatch(syntax, row.code), row.code
    assert row.status == ("local" if licence == "own" else row.status)
    assert row.status in {"V", "V1", "local"}


@pytest.mark.parametrize(("key", "row"), rows())
def test_snomed_ct_stays_within_the_global_patient_set(key: str, row: Answer) -> None:
    """Everything else of SNOMED CT needs a licence, and so do titles of ICD."""
    assert "snomed" not in row.system or row.code in GLOBAL_PATIENT_SET, key
    assert "icd" not in row.licence or not row.display


@pytest.mark.parametrize(("key", "row"), rows())
def test_a_loinc_number_has_its_check_digit(key: str, row: Answer) -> None:
    """A digit mistyped shows itself; answer codes (LA) follow another rule."""
    if row.system == "http://loinc.org" and not row.code.startswith("LA"):
        number, _, digit = row.code.partition("-")
        doubled = [sum(divmod(2 * int(d), 10)) for d in number[::-1][::2]]
        total = sum(doubled) + sum(int(d) for d in number[::-1][1::2])
        assert digit == str(-total % 10), key


def test_a_code_means_one_thing_in_a_resource_type() -> None:
    """Two sets of one resource type share no code: a fact would count twice."""
    seen: dict[tuple[str, str, str], str] = {}
    for row in SETS.rows:
        for kind in SETS.sets[row.concept].types:
            assert seen.setdefault((kind, *row.code), row.concept) == row.concept, row.code


@pytest.mark.parametrize(
    ("concept", "code"),
    [
        ("prothrombin-time", "6301-6"),
        ("albumin", "1754-1"),
        ("ki-67", "85330-9"),
        ("glucose-fasting", "2345-7"),
        ("tumour-medicine", "V10XX05"),
        ("tumour-medicine", "H01CB02"),
        ("liver-resection", "17203000"),
    ],
)
def test_a_look_alike_is_no_member(concept: str, code: str) -> None:
    """INR, urine albumin, breast Ki-67, PSMA therapy and the like answer nothing here."""
    assert code not in {row.code[1] for row in SETS.rows if row.concept == concept}
