"""Cells against their field: refusals by validation type, warnings by limits."""

from __future__ import annotations

import pytest

from netfhir.sources.dictionary import Field
from netfhir.sources.validation import expected, outside, point


def _text(validation: str, minimum: str = "", maximum: str = "") -> Field:
    return Field("item", "form", "text", validation=validation, minimum=minimum, maximum=maximum)


_RADIO = Field("item", "form", "radio", choices={"0": "No", "1": "Yes"})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (_text("integer"), "-12"),
        (_text("number"), "7.40"),
        (_text("number"), ".5"),
        (_text("number_2dp"), "7.40"),
        (_text("number_comma_decimal"), "7,40"),
        (_text("number_1dp_comma_decimal"), "7,4"),
        (_text("date_ymd"), "2024-02-29"),
        (_text("date_dmy"), "2024-02-29"),
        (_text("date_mdy"), "2024-02-29"),
        (_text("datetime_dmy"), "2024-02-29 10:11"),
        (_text("datetime_seconds_ymd"), "2024-02-29 10:11:12"),
        (_text("time"), "23:59"),
        (_text("time_hh_mm_ss"), "23:59:59"),
        (_text("email"), "a@b.org"),
        (_text("mrn_of_this_site"), "anything"),
        (_text(""), "anything"),
        (Field("item", "form", "notes"), "any\ntext"),
        (Field("item", "form", "calc"), "24.7"),
        (Field("item", "form", "slider"), "50"),
        (_RADIO, "1"),
        (_RADIO, ""),
    ],
)
def test_values_that_fit(field: Field, text: str) -> None:
    """What REDCap itself accepts fits; dates are YYYY-MM-DD whatever their display order."""
    assert expected(field, text) == ""


@pytest.mark.parametrize(
    ("field", "text", "wanted"),
    [
        (_text("integer"), "1.0", "a whole number"),
        (_text("integer"), "\u0663", "a whole number"),
        (_text("number"), "\u0663", "a number with a decimal point"),
        (_text("number"), "<5", "a number with a decimal point"),
        (_text("number"), "7,40", "a number with a decimal point"),
        (_text("number"), "5\n", "a number with a decimal point"),
        (_text("number_2dp"), "7.4", "a number with 2 decimal places"),
        (_text("number_comma_decimal"), "1.234,5", "a number with a decimal comma"),
        (_text("date_dmy"), "29-02-2024", "a date, YYYY-MM-DD"),
        (_text("date_ymd"), "2023-02-29", "a date, YYYY-MM-DD"),
        (_text("datetime_ymd"), "2024-02-29", "a time, YYYY-MM-DD HH:MM"),
        (_text("datetime_seconds_ymd"), "2024-02-29 25:00:00", "a time, YYYY-MM-DD HH:MM:SS"),
        (_text("time"), "24:00", "a time of day, HH:MM"),
        (_text("email"), "a.b.org", "an e-mail address"),
        (Field("item", "form", "calc"), "abc", "a number with a decimal point"),
        (_RADIO, "Yes", "one of the codes 0, 1"),
    ],
)
def test_values_that_do_not_fit(field: Field, text: str, wanted: str) -> None:
    """The refusal says what the field expects, and not what was found."""
    assert expected(field, text) == wanted


@pytest.mark.parametrize(
    ("validation", "text", "pointed"),
    [
        ("number_comma_decimal", "66,14", "66.14"),
        ("number_comma_decimal", "66.14", "66.14"),
        ("number_comma_decimal", "Feb, 21", "Feb, 21"),
        ("number", "66,14", "66,14"),
        ("", "a,b", "a,b"),
    ],
)
def test_decimal_commas(validation: str, text: str, pointed: str) -> None:
    """A comma is a decimal point only in the number of a field that says so."""
    assert point(_text(validation), text) == pointed


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        (_text("integer", "35", "200"), "34", "below its minimum 35"),
        (_text("integer", "35", "200"), "201", "above its maximum 200"),
        (_text("integer", "35", "200"), "35", ""),
        (_text("number_comma_decimal", "1,5"), "1,4", "below its minimum 1,5"),
        (_text("date_ymd", "2020-01-01"), "2019-12-31", "below its minimum 2020-01-01"),
        (_text("date_ymd", "", "today"), "2999-12-31", ""),
        (_text("integer", "35"), "abc", ""),
    ],
)
def test_limits_warn(field: Field, text: str, told: str) -> None:
    """Limits are told by the dictionary's own words; formulas and other text are left alone."""
    assert outside(field, text) == told
