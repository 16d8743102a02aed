"""The shape of a declared export."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from netfhir.trial.export import Export, columns_by_table
from netfhir.trial.places import Attribute
from tiny_trial import source

STATUS = {"constant": "final", "reason": "locked"}
LONG: dict[str, Any] = {
    "entity": "measurement",
    "table": "LB",
    "subject": "ID",
    "event": "VISIT",
    "repeat": "SEQ",
    "item": "TESTCD",
    "item_table": "lab",
    "value": "ORRES",
    "unit": "UNIT",
    "low": "LO",
    "high": "HI",
    "measured": "DTC",
    "note": "NOTE",
    "absent": {"column": "STAT", "values": "not-done"},
    "status": STATUS,
    "status_without_value": STATUS,
}
WIDE: dict[str, Any] = {
    "entity": "measurement",
    "form": "lab",
    "subject": "ID",
    "item_table": "lab",
    "measured": "DAY",
    "status": {"column": "DONE", "values": "form"},
    "status_without_value": STATUS,
    "items": [
        {"item": "hb", "column": "HB", "low": "HB_LO", "high": "HB_HI"},
        {"item": "glucose", "column": "GLUC", "by": {"column": "FAST", "values": "fasting"}},
        {"item": "bp", "parts": [{"item": "sys", "column": "SYS"}]},
    ],
}
SUBJECT: dict[str, Any] = {
    "entity": "subject",
    "table": "DM",
    "subject": "ID",
    "site": "SITE",
    "other_numbers": [{"column": "SUBJID", "system": "https://trial.example/subjid"}],
    "states": [
        {"table": "DS", "subject": "DSID", "state": "DECOD", "since": "DTC", "order": "SEQ"}
    ],
}


def test_a_text_is_a_column() -> None:
    """`site = "SITEID"` is short for a column without a table."""
    assert source(**SUBJECT).site == Attribute(column="SITE")


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"column": "A", "constant": "b", "reason": "both"},
        {"constant": "final"},
        {"colum": "A"},
    ],
)
def test_an_attribute_is_a_column_or_a_reasoned_constant(place: dict[str, str]) -> None:
    """Neither, both, a constant without its reason, or a misspelt key is refused."""
    with pytest.raises(ValidationError):
        Attribute(**place)


@pytest.mark.parametrize(
    "declared",
    [
        LONG | {"items": WIDE["items"]},
        {key: part for key, part in LONG.items() if key != "item"},
        {key: part for key, part in LONG.items() if key != "value"},
        WIDE | {"items": [{"item": "hb"}]},
        WIDE | {"items": [{"item": "bp", "column": "A", "parts": [{"item": "s", "column": "B"}]}]},
        WIDE | {"itens": []},
        SUBJECT | {"states": []},
        SUBJECT | {"entity": "person"},
    ],
)
def test_a_source_is_long_or_wide_and_whole(declared: dict[str, Any]) -> None:
    """An item a row, or an item a field; a field or parts; at least one state; no other key."""
    with pytest.raises(ValidationError):
        source(**declared)


def test_every_column_of_a_long_table_is_named() -> None:
    """The columns are checked before a row is read: none may be forgotten."""
    assert columns_by_table(source(**LONG)) == {
        "LB": {"ID", "VISIT", "SEQ", "TESTCD", "ORRES", "UNIT", "LO", "HI", "DTC", "NOTE", "STAT"}
    }


def test_every_field_of_a_wide_form_is_named() -> None:
    """Fields of values, limits, parts and of what decides the item; no item's name."""
    assert columns_by_table(source(**WIDE)) == {
        "": {"ID", "DAY", "DONE", "HB", "HB_LO", "HB_HI", "GLUC", "FAST", "SYS"}
    }


def test_the_columns_of_another_table_stand_apart() -> None:
    """States told in DS are looked for there."""
    assert columns_by_table(source(**SUBJECT)) == {
        "DM": {"ID", "SITE", "SUBJID"},
        "DS": {"DSID", "DECOD", "DTC", "SEQ"},
    }


def test_a_reason_of_a_dose_is_a_column() -> None:
    """`reason` of an entity is a column, `reason` of a constant is a sentence."""
    declared = source(
        entity="dose",
        table="EX",
        subject="ID",
        product={"constant": "lutetium", "reason": "one product"},
        status="STAT",
        start="FROM",
        reason="WHY",
    )
    assert columns_by_table(declared) == {"EX": {"ID", "STAT", "FROM", "WHY"}}


def test_fact_columns_tell_where_a_form_holds_a_fact() -> None:
    """One filled field among these makes the row a fact."""
    assert source(**WIDE).fact_columns == ("HB", "GLUC", "SYS")
    assert source(**LONG).fact_columns == ("ORRES",)
    assert source(**SUBJECT).fact_columns == ("ID",)


def test_an_export_has_a_known_format() -> None:
    """A format that no reader has is refused."""
    whole = {"format": "sdtm", "title": "An export", "entities": [SUBJECT]}
    assert Export.model_validate(whole).entities[0].entity == "subject"
    with pytest.raises(ValidationError):
        Export.model_validate(whole | {"format": "sas"})
