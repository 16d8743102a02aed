"""Element by element; decimals by value; what the server owns is not ours to compare."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from netfhir.sync.diff import Change, diff, loses_precision


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"a": 1}, {"a": 2}, Change("a", 1, 2)),
        ({"q": {"value": Decimal("7.4")}}, {"q": {}}, Change("q.value", Decimal("7.4"), None)),
        ({"c": [{"x": "a"}]}, {"c": [{"x": "b"}]}, Change("c[0].x", "a", "b")),
        ({"c": ["a"]}, {"c": ["a", "b"]}, Change("c[1]", None, "b")),
        ({}, {"status": "final"}, Change("status", None, "final")),
        ({"a": True}, {"a": 1}, Change("a", before=True, after=1)),
        ({"a": "1"}, {"a": 1}, Change("a", "1", 1)),
        ({"a": {"b": 1}}, {"a": [1]}, Change("a", {"b": 1}, [1])),
    ],
)
def test_a_change_has_its_path(before: Any, after: Any, change: Change) -> None:
    """Objects by name, arrays by index, and both values."""
    assert diff(before, after) == [change]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": Decimal("7.40")}, {"a": Decimal("7.4")}),
        ({"a": 7}, {"a": Decimal("7.0")}),
        ({"a": 1, "meta": {"versionId": "1", "lastUpdated": "x", "source": "#s"}}, {"a": 1}),
        ({"a": 1, "text": {"div": "x"}}, {"a": 1}),
        ({"a": 1, "id": "s1"}, {"a": 1}),
    ],
)
def test_what_says_the_same_is_no_change(before: Any, after: Any) -> None:
    """Digits, versions, the server's narrative and the id that it gave."""
    assert diff(before, after) == []


def test_our_meta_is_compared() -> None:
    """A tag is no property of the server's."""
    before = {"meta": {"versionId": "1", "tag": [{"code": "a"}]}}
    assert diff(before, {"meta": {"tag": [{"code": "b"}]}}) == [
        Change("meta.tag[0].code", "a", "b")
    ]


def test_our_narrative_is_compared() -> None:
    """Where we write one, another in its place is a change."""
    assert diff({"text": {"div": "x"}}, {"text": {"div": "y"}}) == [Change("text.div", "x", "y")]


@pytest.mark.parametrize(
    ("stored", "ours", "lost"),
    [
        ({"a": [{"v": Decimal("7.4")}]}, {"a": [{"v": Decimal("7.40")}]}, True),
        ({"a": 7}, {"a": Decimal("7.0")}, True),
        ({"a": Decimal("7.40")}, {"a": Decimal("7.40")}, False),
        ({"a": Decimal("7.5")}, {"a": Decimal("7.40")}, False),
        ({}, {"a": Decimal("7.40")}, False),
    ],
)
def test_lost_digits_are_noticed(stored: Any, ours: Any, *, lost: bool) -> None:
    """The same value with other digits; another value is a difference instead."""
    assert loses_precision(stored, ours) is lost
