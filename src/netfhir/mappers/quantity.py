"""An amount as a FHIR Quantity; emits no resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.fhir import extensions
from netfhir.terminology.concepts import UCUM

if TYPE_CHECKING:
    from netfhir.trial.entities import Amount


def quantity(amount: Amount) -> dict[str, Any]:
    """Return a FHIR Quantity: the digits and the unit of the source, and the UCUM code.

    One that was converted has what the source gave in an extension.
    """
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
    if amount.given is not None:
        given = {"value": amount.given.value, "unit": amount.given.unit, "system": UCUM}
        body["extension"] = [extensions.translation(given | {"code": amount.given.ucum})]
    return body
