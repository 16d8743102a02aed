"""An amount as a FHIR Quantity; emits no resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.terminology.concepts import UCUM

if TYPE_CHECKING:
    from netfhir.trial.entities import Amount


def quantity(amount: Amount) -> dict[str, Any]:
    """Return a FHIR Quantity: the digits and the unit of the source, and the UCUM code."""
    body: dict[str, Any] = {
        "value": amount.value,
        "unit": amount.unit,
        "system": UCUM,
        "code": amount.ucum,
    }
    if not amount.unit:
        del body["unit"]
    if amount.comparator:
        body["comparator"] = amount.comparator
    return body
