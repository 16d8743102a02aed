"""A declaration checked as a whole."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.runs import checking
from netfhir.trial.export import Export
from tiny_trial import CODES, source, trial

if TYPE_CHECKING:
    from netfhir.trial.declaration import Trial

ARMS = ("Arm A", "Arm B")
STATUS = {"constant": "final", "reason": "locked"}
LONG = {
    "entity": "measurement",
    "table": "LB",
    "subject": "ID",
    "item": "TESTCD",
    "value": "ORRES",
    "item_table": "lab",
    "measured": "DTC",
    "status": STATUS,
    "status_without_value": STATUS,
}


def wrong_codes() -> dict[str, Any]:
    """Return codes to be spoilt; the tables that lead nowhere in other tests are left out."""
    codes = deepcopy(CODES)
    del codes["values"]["arm"]["X"], codes["values"]["state"]["BAD"], codes["units"]["furlong"]
    return codes


class Declared:
    """A trial whose exports lie in memory."""

    def __init__(self, declared: Trial, *sources: dict[str, Any], **more: Any) -> None:
        """Take the trial and the sources of its one export."""
        self._trial = declared
        entities = tuple(source(**one) for one in sources or (LONG,))
        self._export = Export(format="sdtm", title="t", entities=entities, **more)

    def __getattr__(self, name: str) -> Any:
        """Be the trial in all else."""
        return getattr(self._trial, name)

    def exports(self) -> dict[str, Export]:
        """Return the export."""
        return {"only": self._export}


def places(declared: Any, arms: tuple[str, ...] = ARMS) -> list[tuple[str, str]]:
    """Return code and place of each finding."""
    return [(found.code, found.where) for found in checking.findings(declared, arms)]


def test_a_sound_declaration_has_no_findings() -> None:
    """Every name is known, every unit of its kind."""
    assert places(Declared(trial(wrong_codes()))) == []


def test_an_arm_must_be_the_registrys() -> None:
    """Subjects are joined to arms by name."""
    found = places(Declared(trial(wrong_codes())), arms=("Arm A",))
    assert found == [("unknown-arm", "tiny/trial.toml:arms.b.name")]


@pytest.mark.parametrize(
    ("key", "value", "code", "place"),
    [
        ("concept", "nothing", "unknown-key", "concept"),
        ("category", "nothing", "unknown-key", "category"),
        ("units", ["furlong"], "unknown-key", "units"),
        ("units", ["mm[Hg]"], "unit-of-another-kind", "units"),
        ("units", [], "no-unit", ""),
        ("answers", {"1": "nothing"}, "unknown-key", 'answers."1"'),
    ],
)
def test_an_item_is_checked_in_every_part(key: str, value: Any, code: str, place: str) -> None:
    """Concept, category, answers and units are known, and units measure what the concept is."""
    codes = wrong_codes()
    codes["items"]["lab"]["hb"][key] = value
    where = "tiny/codes.toml:items.lab.hb" + (f".{place}" if place else "")
    assert places(Declared(trial(codes))) == [(code, where)]


def test_a_unitless_code_is_checked_too() -> None:
    """The UCUM code of an item without unit is a unit of the terminology."""
    codes = wrong_codes()
    codes["items"]["lab"]["ph"]["unitless"] = "mmol/L"
    assert places(Declared(trial(codes))) == [
        ("unit-of-another-kind", "tiny/codes.toml:items.lab.ph.units")
    ]


def test_a_spelling_leads_to_a_known_unit() -> None:
    """[units] names UCUM codes of the terminology; "" says that there is none."""
    codes = wrong_codes() | {"units": {"fur": "furlong", "NO UNITS": ""}}
    assert places(Declared(trial(codes))) == [("unknown-key", 'tiny/codes.toml:units."fur"')]


@pytest.mark.parametrize(
    ("source", "target", "code", "place"),
    [
        ("g/dL", "mmol/L", "conversion-across-kinds", ".to"),
        ("furlong", "g/L", "unknown-key", ""),
        ("g/dL", "furlong", "unknown-key", ".to"),
    ],
)
def test_a_conversion_stays_within_its_kind(
    source: str, target: str, code: str, place: str
) -> None:
    """A mass never becomes an amount of substance by a factor alone."""
    codes = wrong_codes()
    codes["conversions"] = {source: {"to": target, "factor": "0.6206", "reason": "a table"}}
    where = f'tiny/codes.toml:conversions."{source}"{place}'
    assert places(Declared(trial(codes))) == [(code, where)]


@pytest.mark.parametrize(
    ("unit", "kind", "code", "place"),
    [
        ("GBq", "acitvity", "unknown-key", "kind_of_amount"),
        ("g/dL", "activity", "unit-of-another-kind", "unit"),
    ],
)
def test_the_unit_of_a_dose_is_of_its_kind(unit: str, kind: str, code: str, place: str) -> None:
    """A constant unit is checked before any row is read."""
    told: dict[str, Any] = {
        "entity": "dose",
        "table": "EX",
        "subject": "ID",
        "start": "FROM",
        "amount": "DOSE",
    }
    told |= {"product": {"constant": "lutetium", "reason": "x"}, "kind_of_amount": kind}
    told |= {"status": {"constant": "completed", "reason": "x"}}
    told |= {"unit": {"constant": unit, "reason": "x"}}
    found = places(Declared(trial(wrong_codes()), told))
    assert found == [(code, f"tiny/sources/only.toml:entities[1].{place}")]


def test_a_missing_data_code_has_a_known_reason() -> None:
    """The reason is a concept of the terminology."""
    declared = Declared(trial(wrong_codes()), missing={"UNK": "absent-mind"})
    assert places(declared) == [("unknown-key", 'tiny/sources/only.toml:missing."UNK"')]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"item_table": "labb"}, "tiny/sources/only.toml:entities[1].item_table"),
        (
            {"absent": {"column": "STAT", "values": "not-dun"}},
            "tiny/sources/only.toml:entities[1].absent.values",
        ),
        (
            {"status": {"constant": "done", "reason": "wrong"}},
            "tiny/sources/only.toml:entities[1].status",
        ),
        (
            {"status": {"column": "S", "values": "product"}},
            "tiny/codes.toml:values.product",
        ),
        (
            {"interpretation": {"column": "S", "values": "arm"}},
            "tiny/codes.toml:values.arm",
        ),
    ],
)
def test_a_source_names_what_is_there(change: dict[str, Any], place: str) -> None:
    """Tables exist, constants and targets are of their kind."""
    found = places(Declared(trial(wrong_codes()), LONG | change))
    assert set(found) == {("unknown-key", place)}


@pytest.mark.parametrize(
    "items",
    [
        [{"item": "hbb", "column": "HB"}],
        [{"item": "bp", "parts": [{"item": "hbb", "column": "HB"}]}],
    ],
)
def test_a_wide_form_names_declared_items(items: list[dict[str, Any]]) -> None:
    """A misspelt item, or part of one, is found before any row is."""
    wide = {key: part for key, part in LONG.items() if key not in {"item", "value"}}
    found = places(Declared(trial(wrong_codes()), wide | {"items": items}))
    assert found == [("unknown-key", "tiny/sources/only.toml:entities[1].items")]


def test_what_another_field_decides_is_declared_too() -> None:
    """Each item that the deciding field can lead to has its declaration."""
    codes = wrong_codes()
    del codes["items"]["lab"]["glucose-fasting"]
    wide = {key: part for key, part in LONG.items() if key not in {"item", "value"}}
    by = {"column": "FAST", "values": "fasting"}
    items = [{"item": "glucose", "column": "GLUC", "by": by}]
    found = places(Declared(trial(codes), wide | {"items": items}))
    assert found == [("unknown-key", "tiny/sources/only.toml:entities[1].items")]


def test_a_state_is_one_of_fhirs_states() -> None:
    """A table of states leads to states."""
    codes = deepcopy(CODES)
    del codes["units"]["furlong"], codes["values"]["arm"]["X"]
    subject = {
        "entity": "subject",
        "table": "DM",
        "subject": "ID",
        "site": "SITE",
        "states": [{"state": {"column": "S", "values": "state"}}],
    }
    assert places(Declared(trial(codes), subject)) == [
        ("unknown-key", "tiny/codes.toml:values.state")
    ]


def test_one_finding_does_not_hide_another() -> None:
    """All of them are told at once."""
    codes = wrong_codes()
    codes["items"]["lab"]["hb"]["concept"] = "nothing"
    codes["items"]["lab"]["ph"]["category"] = "nothing"
    assert len(places(Declared(trial(codes)), arms=())) == 4


def test_a_finding_says_what_would_be_right() -> None:
    """The known names are shown where they are few."""
    (found,) = checking.findings(
        Declared(trial(wrong_codes()), LONG | {"item_table": "labb"}),  # type: ignore[arg-type]
        ARMS,
    )
    assert (found.found, found.expected) == (
        "`labb`",
        "a table [items.…] of codes.toml: lab, score",
    )
