"""How large the tests are that may be small: NETFHIR_SOAK chooses the sizes of `make soak`."""

from __future__ import annotations

import os


def size(*, check: int, soak: int) -> int:
    """Return the size for `make check`, or the share of the one for `make soak`: 1 is all of it."""
    share = float(os.environ.get("NETFHIR_SOAK") or 0)
    return max(check, round(soak * share))
