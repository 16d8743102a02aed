"""How large the tests are that may be small: NETFHIR_SOAK chooses the sizes of `make soak`."""

from __future__ import annotations

import os


def size(*, check: int, soak: int) -> int:
    """Return the size for `make check`, or the one for `make soak`."""
    return soak if os.environ.get("NETFHIR_SOAK") else check
