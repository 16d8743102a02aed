"""What holds for every row of `mappings/terminology`, today's and tomorrow's."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ucumvert import PintUcumRegistry, get_ucum_parser

from netfhir.runs import opening
from netfhir.terminology.concepts import Coding, Concept, Terminology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark.structures import ParameterSet
    from lark import Lark

    from netfhir.trial.declaration import Conversion

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
TERMINOLOGY = Terminology.load([MAPPINGS])

LOINC = "http://loinc.org"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
SNOMED = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
HL7 = "http://terminology.hl7.org/CodeSystem/"

#: By system: the licence class of its rows, and the syntax of its codes.
SYSTEMS = {
    LOINC: ("loinc", r"(LA)?\d{1,5}-\d"),
    NCIT: ("nci", r"C\d{4,6}"),
    SNOMED: ("snomed-gps", r"[1-9]\d{5,17}"),
    ATC: ("who-atc", r"[A-Z]\d\d[A-Z]{2}\d\d"),
    "http://dicom.nema.org/resources/ontology/DCM": ("dicom", r"\d{6}"),
    HL7 + "observation-category": ("hl7-cc0", r"[a-z-]+"),
    HL7 + "data-absent-reason": ("hl7-cc0", r"[a-z-]+"),
    HL7 + "v3-ObservationInterpretation": ("hl7-cc0", r"[A-Z]{1,3}|[<>]"),
    HL7 + "v3-DataOperation": ("hl7-cc0", r"[A-Z]+"),
    HL7 + "provenance-participant-type": ("hl7-cc0", r"[a-z]+"),
    HL7 + "condition-clinical": ("hl7-cc0", r"[a-z]+"),
    HL7 + "condition-ver-status": ("hl7-cc0", r"[a-z-]+"),
    HL7 + "consentcategorycodes": ("hl7-cc0", r"[a-z]+"),
    HL7 + "consentscope": ("hl7-cc0", r"[a-z-]+"),
    HL7 + "v2-0487": ("hl7-cc0", r"[A-Z]+"),
    HL7 + "v3-ActCode": ("hl7-cc0", r"[A-Z]+"),
    HL7 + "medication-admin-category": ("hl7-cc0", r"[a-z]+"),
    HL7 + "adverse-event-outcome": ("hl7-cc0", r"[a-zA-Z]+"),
    HL7 + "adverse-event-seriousness": ("hl7-cc0", r"[Nn]on-serious|[Ss]erious"),
    HL7 + "adverse-event-severity": ("hl7-cc0", r"[a-z]+"),
    HL7 + "v2-0074": ("hl7-cc0", r"[A-Z]{2,3}"),
    HL7 + "research-subject-milestone": ("hl7-cc0", r"[A-Za-z]+"),
}

#: SNOMED CT that was found in the Global Patient Set; nothing else may be shipped.
GLOBAL_PATIENT_SET = {
    "1663004",
    "47625008",
    "54102005",
    "61026006",
    "94381002",
    "107963000",
    "258253006",
    "258254000",
    "278271003",
    "278272005",
}

#: Every kind of quantity, with its dimension in UCUM's base units (length, mass, time, ...).
#: [IU] is arbitrary and without dimension; a becquerel is a frequency; a dose in Gy is J/kg.
PROPERTIES = {
    "absorbed-dose": {"[length]": 2, "[time]": -2},
    "arbitrary-concentration": {"[length]": -3},
    "catalytic-activity-concentration": {"[substance]": 1, "[time]": -1, "[length]": -3},
    "entitic-mass": {"[mass]": 1},
    "entitic-volume": {"[length]": 3},
    "fraction": {},
    "frequency": {"[time]": -1},
    "length": {"[length]": 1},
    "mass": {"[mass]": 1},
    "mass-concentration": {"[mass]": 1, "[length]": -3},
    "mass-rate": {"[mass]": 1, "[time]": -1},
    "monovalent-ion-concentration": {"[substance]": 1, "[length]": -3},
    "number-concentration": {"[length]": -3},
    "number-per-area": {"[length]": -2},
    "ph": {},
    "pressure": {"[length]": -1, "[mass]": 1, "[time]": -2},
    "radioactivity": {"[time]": -1},
    "radioactivity-rate": {"[time]": -2},
    "ratio": {},
    "relative-density": {},
    "score": {},
    "substance-concentration": {"[substance]": 1, "[length]": -3},
    "substance-fraction": {},
    "substance-rate": {"[substance]": 1, "[time]": -1},
    "temperature": {"[temperature]": 1},
    "time": {"[time]": 1},
    "volume": {"[length]": 3},
    "volume-rate": {"[length]": 3, "[time]": -1},
    "volume-rate-per-area": {"[length]": 3, "[time]": -1},
}

#: The kinds of quantity whose concepts may share an NCI code, which names the analyte alone.
SHARING = {"mass-concentration", "substance-concentration"}
#: One NCI code for death as an outcome, as a criterion of seriousness and as a grade: HL7's value
#: sets for adverse events have it in all three.
DEATH = {"outcome-fatal", "criterion-death", "ctcae-5-grade-5"}

#: What a LOINC name says in its brackets, as a property here.
LOINC_KINDS = {
    "[Mass/volume]": "mass-concentration",
    "[Moles/volume]": "substance-concentration",
    "[#/volume]": "number-concentration",
    "[Enzymatic activity/volume]": "catalytic-activity-concentration",
    "[Units/volume]": "arbitrary-concentration",
    "[Volume Rate/Area]": "volume-rate-per-area",
    "[Presence]": "",
}


#: What a site with a licence of its own lays over ours.
LICENSED = """
[[net-pancreas.coding]]
system = "http://snomed.info/sct"
code = "735735001"
source = "the site's own release"
status = "licensed"
licence = "snomed-national"
"""


def codings() -> Iterator[tuple[str, Concept, Coding]]:
    """Yield every coding with its concept and its key."""
    for key, concept in TERMINOLOGY.concepts.items():
        for coding in concept.coding:
            yield key, concept, coding


@cache
def parser() -> Lark:
    """Return the one parser of UCUM's grammar."""
    found: Lark = get_ucum_parser()
    return found


@cache
def registry() -> PintUcumRegistry:
    """Return the one registry, which takes half a second to build."""
    return PintUcumRegistry()


def dimension(ucum: str) -> dict[str, float]:
    """Return the dimension of a UCUM unit; annotations and pH, which pint lacks, have none."""
    if ucum == "[pH]" or re.fullmatch(r"\{[^{}]*\}", ucum):
        return {}
    return dict(registry().from_ucum(ucum).dimensionality)


def params(*systems: str) -> list[ParameterSet]:
    """Return the codings of these systems, of all if none is named, as named test parameters."""
    return [
        pytest.param(*row, id=f"{row[0]}-{row[2].code}")
        for row in codings()
        if not systems or row[2].system in systems
    ]


CODINGS = params()
OBSERVATION_CODES = [
    coding.code
    for _, _, coding in codings()
    if coding.system == LOINC and not coding.code.startswith("LA")
]
QUANTITIES = [key for key, concept in TERMINOLOGY.concepts.items() if concept.property]
PAIRS = [
    pytest.param(ucum, name, id=f"{ucum}-{name}")
    for ucum, unit in TERMINOLOGY.units.items()
    for name in unit.property
]


@pytest.mark.parametrize(("key", "concept", "coding"), CODINGS)
def test_a_coding_is_of_a_known_system_in_its_syntax(
    key: str, concept: Concept, coding: Coding
) -> None:
    """A system that nobody looked at, MedDRA among them, and a misspelt code are refused."""
    assert coding.system in SYSTEMS, key
    assert re.fullmatch(SYSTEMS[coding.system][1], coding.code), concept.text


@pytest.mark.parametrize(("key", "concept", "coding"), CODINGS)
def test_a_coding_carries_the_licence_class_of_its_system(
    key: str, concept: Concept, coding: Coding
) -> None:
    """Licence classes are a closed set, one for a system."""
    assert coding.licence == SYSTEMS[coding.system][0], (key, concept.text)


@pytest.mark.parametrize(("key", "concept", "coding"), CODINGS)
def test_a_shipped_coding_was_found_in_a_named_source(
    key: str, concept: Concept, coding: Coding
) -> None:
    """Local and licensed rows belong to a site's overlay."""
    assert coding.status in {"V", "V1"}, (key, concept.text)
    assert coding.source.strip()


@pytest.mark.parametrize(("key", "concept", "coding"), params(SNOMED))
def test_snomed_ct_stays_within_the_global_patient_set(
    key: str, concept: Concept, coding: Coding
) -> None:
    """Everything else of SNOMED CT needs a licence."""
    assert coding.code in GLOBAL_PATIENT_SET, (key, concept.text)


@pytest.mark.parametrize(("key", "concept", "coding"), params(LOINC))
def test_a_loinc_name_and_the_property_agree(key: str, concept: Concept, coding: Coding) -> None:
    """A haemoglobin in mmol/L must not pair with 718-7: the code's own name decides."""
    kinds = [kind for bracket, kind in LOINC_KINDS.items() if bracket in coding.display]
    assert kinds in ([], [concept.property]), key


def loinc_check_digit(number: str) -> str:
    """Return the check digit by mod 10 (Luhn), as LOINC defines it for its observations."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
    return str(-(sum(doubled) + sum(digits[1::2])) % 10)


@pytest.mark.parametrize("code", OBSERVATION_CODES)
def test_a_loinc_code_has_its_check_digit(code: str) -> None:
    """A digit mistyped or two exchanged show themselves (answer codes follow another rule)."""
    number, _, digit = code.partition("-")
    assert digit == loinc_check_digit(number)


def test_a_code_belongs_to_one_concept() -> None:
    """Only an NCI code may be shared: by mass and substance of one analyte, by ways of death."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for key, concept, coding in codings():
        before, kind = seen.setdefault((coding.system, coding.code), (key, concept.property))
        shared = coding.system == NCIT and {kind, concept.property} == SHARING
        assert before == key or shared or {before, key} <= DEATH, (
            f"{key} and {before} share {coding.code}"
        )


def test_loinc_comes_first() -> None:
    """The order of the codings is the order of preference."""
    for key, concept in TERMINOLOGY.concepts.items():
        systems = [coding.system for coding in concept.coding]
        assert LOINC not in systems[1:], key
        assert NCIT not in systems[:-1], key


@pytest.mark.parametrize("key", QUANTITIES)
def test_a_concept_s_property_is_known_and_measured(key: str) -> None:
    """A quantity without any unit could never be written."""
    kind = TERMINOLOGY.concepts[key].property
    assert kind in PROPERTIES
    assert any(kind in unit.property for unit in TERMINOLOGY.units.values())


@pytest.mark.parametrize("ucum", TERMINOLOGY.units)
def test_a_unit_is_valid_ucum(ucum: str) -> None:
    """The key of a unit is what stands in Quantity.code."""
    assert parser().parse(ucum)


@pytest.mark.parametrize(("ucum", "name"), PAIRS)
def test_a_unit_has_the_dimension_of_what_it_measures(ucum: str, name: str) -> None:
    """A unit cannot claim a kind of quantity of another dimension."""
    assert dimension(ucum) == PROPERTIES[name]


CONVERSIONS = [
    pytest.param(ucum, conversion, id=f"{name}-{ucum}")
    for name in opening.trial_names([MAPPINGS])
    for ucum, conversion in opening.trial(name).codes.conversions.items()
]


@pytest.mark.parametrize(("ucum", "conversion"), CONVERSIONS)
def test_a_declared_factor_is_that_of_ucum(ucum: str, conversion: Conversion) -> None:
    """UCUM knows the same ratio, as far as binary floats can tell."""
    ratio = (1 * registry().from_ucum(ucum)).to(registry().from_ucum(conversion.to)).magnitude
    assert ratio == pytest.approx(float(conversion.factor), rel=1e-12)


def test_there_are_conversions() -> None:
    """The test above runs over something."""
    assert CONVERSIONS


def test_a_site_adds_codes_without_editing_ours(tmp_path: Path) -> None:
    """Its overlay adds a local or licensed coding to a concept; ours stay, and stand first."""
    overlay = tmp_path / "terminology"
    overlay.mkdir()
    (overlay / "concepts.toml").write_text(LICENSED, encoding="utf-8")
    found = Terminology.load([MAPPINGS, tmp_path]).concepts["net-pancreas"]
    ours = TERMINOLOGY.concepts["net-pancreas"]
    assert found.text == ours.text
    assert [row.status for row in found.coding] == [row.status for row in ours.coding] + [
        "licensed"
    ]


@pytest.mark.parametrize("ucum", ["K/uL", "cells/uL", "10^9/L", "mcL", "uM", "GBQ"])
def test_a_dangerous_or_wrong_spelling_is_no_unit(ucum: str) -> None:
    """K/uL is valid UCUM and means kelvin; 10^9/L is valid and not what we emit."""
    assert ucum not in TERMINOLOGY.units


@pytest.mark.parametrize(
    ("key", "ucum"),
    [
        ("haemoglobin-mass", "mmol/L"),
        ("haemoglobin-substance", "g/dL"),
        ("glucose-substance", "meq/L"),
        ("hba1c", "mmol/mol"),
        ("heart-rate", "GBq"),
        ("body-weight", "pg"),
    ],
)
def test_a_unit_of_another_kind_does_not_pair(key: str, ucum: str) -> None:
    """An equal dimension, or a plausible unit, is not yet the same kind of quantity."""
    assert TERMINOLOGY.concepts[key].property not in TERMINOLOGY.units[ucum].property


@pytest.mark.parametrize(
    ("key", "ucum"),
    [
        ("haemoglobin-mass", "g/L"),
        ("chloride", "meq/L"),
        ("chloride", "mmol/L"),
        ("leukocytes", "10*3/uL"),
        ("thyrotropin", "u[IU]/mL"),
        ("inr", "{INR}"),
    ],
)
def test_a_unit_of_the_same_kind_pairs(key: str, ucum: str) -> None:
    """The units in which laboratories report are there."""
    assert TERMINOLOGY.concepts[key].property in TERMINOLOGY.units[ucum].property
