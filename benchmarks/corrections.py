"""Corrected values: what a data manager changes between two runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfhir.sync.staging import Staged

_VALUE = re.compile(rb'("valueQuantity":\{[^{}]*"value":)(\d)')


def has_value(row: Staged) -> bool:
    """Return whether the row has a number that could be corrected."""
    return _VALUE.search(row.body) is not None


def corrected(row: Staged) -> Staged:
    """Return the row with one more digit in its number; one without is as it was."""
    return row._replace(body=_VALUE.sub(rb"\g<1>1\2", row.body, count=1))
