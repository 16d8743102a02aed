"""Names of elements that a ledger keeps as one byte: those of the types that fill it.

The place of a name is what is kept. So a name is never moved or removed, only added at the end, and
there is room for 128. A name that is not here is kept as it is spelled.
"""

from __future__ import annotations

from typing import Final

_IN_PLACE: Final = """
    status category code subject effectiveDateTime identifier extension note focus encounter
    valueQuantity valueCodeableConcept valueString valueInteger valueBoolean valueDateTime
    valuePeriod valueRange valueRatio valueTime dataAbsentReason interpretation bodySite method
    specimen device referenceRange hasMember derivedFrom component partOf basedOn performer
    issued effectivePeriod meta.tag meta.profile meta.security text contained modifierExtension
    statusReason medicationCodeableConcept medicationReference medication dosage context
    occurrenceDateTime occurrencePeriod occurencePeriod event actuality date recordedDate
    seriousness severity outcome resultingCondition suspectEntity study individual period
    actualArm assignedArm consent clinicalStatus verificationStatus onsetDateTime
    abatementDateTime performedDateTime performedPeriod reasonCode reasonReference request
    description title type target recorded activity agent entity
"""
NAMES: Final = tuple(_IN_PLACE.split())
