"""Where outside data lies, and that its absence is a failure in CI and a skip elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from presence import absent

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of outside data (NETFHIR_TEST_DATA, or ../shared/data)."""
    folder = Path(os.environ.get("NETFHIR_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        absent(f"the outside data folder {folder.name} (NETFHIR_TEST_DATA)")
    return folder
