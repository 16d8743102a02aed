"""The gate's tables, derived from the official R4 package by `tools/fhir_tables.py`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json


@cache
def read(name: str) -> Json:
    """Return the table of this name: `structure`, `codes` or `invariants`."""
    text = resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    return cast("Json", json.loads(text))
