"""How facts are named: slugs, business identifiers and derived ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netfhir.fhir.identity import SiteKey, SourceKey, derived_id, slug

KEY = SiteKey(b"one key of sixteen bytes or more")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S01-001", "s01-001"),
        ("WEEK 2", "week%202"),
        ("a|b", "a%7Cb"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("10^9", "10%5E9"),
        ("v1.0_b+c-d", "v1.0_b+c-d"),
        ("Größe", "größe"),
    ],
)
def test_a_slug_is_lower_case_and_encoded(text: str, expected: str) -> None:
    """Separators and signs are percent-encoded; letters, digits, `_`, `.`, `+` and `-` stay."""
    assert slug(text) == expected


@given(st.text(), st.text())
def test_a_slug_loses_nothing_but_case(one: str, other: str) -> None:
    """Two texts share a slug exactly if they differ in case alone."""
    assert (slug(one) == slug(other)) == (one.lower() == other.lower())


@given(st.text(alphabet="a|%2C7/ ", max_size=6), st.text(alphabet="a|%2C7/ ", max_size=6))
def test_a_slug_loses_no_separator(one: str, other: str) -> None:
    """Texts made of separators and of their own encodings stay apart."""
    assert (slug(one) == slug(other)) == (one.lower() == other.lower())


@given(st.tuples(*[st.text(alphabet="ab|/", max_size=3)] * 6))
def test_a_key_has_six_parts(parts: tuple[str, ...]) -> None:
    """No part can hold a separator, so a value has exactly the parts of its key."""
    assert SourceKey(*parts).text().count("|") == 5


def test_a_repeat_keeps_its_case() -> None:
    """A repeat stands in the key as it stands in the source, separators encoded."""
    key = SourceKey("NCT1", "S1", "Visit 1", "LAB", "HB", "Lot A|1")
    assert key.text() == "nct1|s1|visit%201|lab|hb|Lot%20A%7C1"


@given(st.text(), st.text())
def test_an_id_is_a_fhir_id(system: str, value: str) -> None:
    """`n` and 32 characters of lower-case base32: a legal id that names nobody."""
    assert re.fullmatch(r"n[a-z2-7]{32}", derived_id(KEY, system, value))


def test_the_same_fact_has_the_same_id() -> None:
    """An id is derived, never drawn: this one is fixed for ever."""
    assert derived_id(KEY, "https://a.example", "x|y") == "nuf233q2ocneuoby3wpd5lg26goh37cva"


@pytest.mark.parametrize(
    ("key", "system", "value"),
    [
        (SiteKey(b"another key of sixteen bytes"), "https://a.example", "x|y"),
        (KEY, "https://b.example", "x|y"),
        (KEY, "https://a.example", "x|z"),
    ],
)
def test_another_key_system_or_value_has_another_id(key: SiteKey, system: str, value: str) -> None:
    """Site key, system and value each decide the id."""
    assert derived_id(key, system, value) != derived_id(KEY, "https://a.example", "x|y")
