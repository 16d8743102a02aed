"""The gate's tables of R5 are what the script makes of the packages in HAPI's jar."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, Any

import hapi_server
from presence import absent
from trial_exports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ROOT / "src" / "netfhir" / "fhir" / "tables" / "r5"


def test_the_shipped_tables_are_the_packages(tmp_path: Path) -> None:
    """Regenerating gives the shipped bytes, and no file beside them."""
    try:
        library = hapi_server.build() / "lib"
    except hapi_server.HapiUnavailable as error:
        absent(f"HAPI FHIR JPA ({error})")
    (jar,) = library.glob("hapi-fhir-validation-resources-r5-*.jar")
    tool: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "fhir_tables.py"))
    made = tool["tables"]("r5", *tool["unpacked"](jar, tmp_path))
    assert made == {path.name: path.read_bytes() for path in TABLES.glob("*.json")}
