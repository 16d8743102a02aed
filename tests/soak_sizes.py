"""How much of a test is run: a part in `make check`, the whole in `make soak`."""

from __future__ import annotations

import os


def soaking() -> bool:
    """Return whether this is a soak: NETFHIR_SOAK is set."""
    return bool(os.environ.get("NETFHIR_SOAK"))


def size(*, check: int, soak: int) -> int:
    """Return the size for this run."""
    return soak if soaking() else check
