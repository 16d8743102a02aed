"""The FHIR versions that are written: R4, and R5 by its differences from R4."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Version: TypeAlias = Literal["r4", "r5"]

NUMBERS: Final[dict[Version, str]] = {"r4": "4.0.1", "r5": "5.0.0"}
"""The version as a server's CapabilityStatement names it."""
