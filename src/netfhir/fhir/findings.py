"""What the gate objects to: a rule, a place and what was expected; never a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a resource."""

    rule: str
    """Stable code: `unknown-element`, `required-binding`, `reference-target`, `obs-6`, `date`, …"""
    path: str
    """FHIR element path, e.g. `Observation.valueQuantity.code`."""
    expected: str
    """What the specification asks for, in words."""
