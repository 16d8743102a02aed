"""The gate's tables, derived from the official packages by `tools/fhir_tables.py`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version


@cache
def read(version: Version, name: str) -> Json:
    """Return a table of a version: `structure`, `codes`, `extensions` or `invariants`."""
    text = resources.files(__name__).joinpath(version, f"{name}.json").read_text("utf-8")
    return cast("Json", json.loads(text))
