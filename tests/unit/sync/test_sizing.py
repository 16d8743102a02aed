"""Bundles shrink when a server is slow or fails, and grow when it is quick, within its profile."""

from __future__ import annotations

from netfhir.sync.sizing import Size


def _took(size: Size, *seconds: float) -> int:
    for each in seconds:
        size.took(each)
    return size.entries


def test_it_begins_with_what_the_profile_allows() -> None:
    """And quick bundles do not make it more."""
    assert _took(Size(50), *[0.1] * 100) == 50


def test_a_slow_bundle_halves_it() -> None:
    """More than three seconds; down to one entry."""
    size = Size(50)
    assert _took(size, 3.0) == 50
    assert [_took(size, 3.1) for _ in range(7)] == [25, 12, 6, 3, 1, 1, 1]


def test_a_failure_halves_it() -> None:
    """A smaller bundle may not meet it."""
    size = Size(50)
    size.failed()
    assert size.entries == 25


def test_quick_bundles_double_it_again() -> None:
    """Twenty of which all but one took less than half a second; then the count begins anew."""
    size = Size(50)
    _took(size, 4.0, 4.0)
    assert _took(size, *[0.4] * 19) == 12
    assert _took(size, 0.4) == 24
    assert _took(size, *[0.4] * 18, 2.0) == 24
    assert _took(size, 0.4) == 48
    assert _took(size, *[0.4] * 20) == 50


def test_middling_bundles_leave_it() -> None:
    """Neither slow nor quick."""
    size = Size(50)
    size.failed()
    assert _took(size, *[1.0] * 100) == 25
