"""The gate's tables: they are what the script makes of the official package, and small."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from netfhir.fhir import tables

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "src" / "netfhir" / "fhir" / "tables"
PACKAGE = "hl7.fhir.r4.core-4.0.1.tgz"


def script() -> ModuleType:
    """Return the generating script as a module."""
    spec = importlib.util.spec_from_file_location("fhir_tables", ROOT / "tools" / "fhir_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shipped_tables_are_the_packages(shared_data: Path) -> None:
    """Regenerating gives the shipped bytes, and no file beside them."""
    made = script().tables("r4", shared_data / "fhir" / PACKAGE)
    shipped = {path.name: path.read_bytes() for path in (FOLDER / "r4").glob("*.json")}
    assert made == shipped


def test_the_tables_are_small() -> None:
    """What ships with the wheel stays below 400 kB a version."""
    for folder in FOLDER.glob("r?"):
        assert 0 < sum(path.stat().st_size for path in folder.glob("*.json")) < 400_000


def test_every_type_we_emit_has_a_table() -> None:
    """What mappers and `netfhir study` write can be judged."""
    emitted = {
        *("ResearchStudy", "ResearchSubject", "MedicationAdministration", "Observation"),
        *("Medication", "Procedure", "Group", "Organization", "Practitioner", "Location"),
        *("PractitionerRole", "PlanDefinition", "ActivityDefinition", "Patient", "Bundle"),
    }
    assert emitted <= tables.read("r4", "structure").keys()
