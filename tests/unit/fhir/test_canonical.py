"""The one byte form of a resource."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netfhir.fhir import canonical

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)
_BODIES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def test_a_decimal_keeps_its_digits() -> None:
    """7.40 stays 7.40."""
    assert canonical.to_bytes({"value": Decimal("7.40")}) == b'{"value":7.40}'


def test_an_exponent_is_written_out() -> None:
    """1E+2 is 100, for FHIR readers differ about exponents."""
    assert canonical.to_bytes([Decimal("1E+2"), Decimal("1E-7")]) == b"[100,0.0000001]"


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x"])
def test_what_is_no_json_is_refused(value: object) -> None:
    """Only JSON's own kinds and decimals have a place in a resource."""
    with pytest.raises(TypeError):
        canonical.to_bytes({"value": value})


def test_a_float_is_refused() -> None:
    """A float has lost the source's digits."""
    with pytest.raises(TypeError, match="float has no place in a resource"):
        canonical.to_bytes({"component": [{"value": 7.4}]})


def test_keys_are_sorted_at_every_depth() -> None:
    """The order in which a body was built leaves no trace."""
    assert canonical.to_bytes({"b": {"d": 1, "c": 2}, "a": 3}) == b'{"a":3,"b":{"c":2,"d":1}}'


def test_text_is_utf_8() -> None:
    """Letters are written as themselves."""
    assert canonical.to_bytes({"text": "µg/L"}) == '{"text":"µg/L"}'.encode()


def test_a_very_long_integer_is_kept() -> None:
    """A server may send more than 64 bits; 19 digits may be more."""
    text = b'{"v":[123456789012345678,9999999999999999999,123456789012345678901234567890]}'
    assert canonical.to_bytes(canonical.from_bytes(text)) == text
    assert canonical.from_bytes(b"123456789012345678") == 123456789012345678


def test_numbers_are_read_with_their_digits() -> None:
    """Reading gives back the text of every number with a point."""
    assert str(canonical.resource(b'{"value":7.40}')["value"]) == "7.40"


@given(_BODIES)
def test_bytes_survive_a_round_trip(body: Any) -> None:
    """What was written, read and written again is the same."""
    written = canonical.to_bytes(body)
    assert canonical.to_bytes(canonical.from_bytes(written)) == written
