"""Where the resource types of FHIR R4 keep what screening needs: one row a type, no logic.

`absent` statuses say that the thing is not so (a refuted diagnosis, an entry made in error);
`weak` ones that it is not certain; every other status counts fully.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one resource type keeps patient, status, codes and date."""

    patient: str = "subject"
    dates: tuple[str, ...] = ()
    """In order of preference; a name that ends in `Period` holds a Period."""
    status: str = "status"
    coded_status: str = ""
    """A CodeableConcept that says how certain it is."""
    full: tuple[str, ...] = ()
    """Statuses that count fully; `-` stands for none given."""
    absent: tuple[str, ...] = ()
    codes: tuple[str, ...] = ("code",)
    medication: bool = False


SHAPES: dict[str, Shape] = {
    "Observation": Shape(
        dates=("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        full=("final", "amended", "corrected"),
        absent=("registered", "cancelled", "entered-in-error"),
    ),
    "Condition": Shape(
        dates=("onsetDateTime", "onsetPeriod", "recordedDate"),
        status="",
        coded_status="verificationStatus",
        full=("-", "confirmed"),
        absent=("refuted", "entered-in-error"),
    ),
    "Procedure": Shape(
        dates=("performedDateTime", "performedPeriod"),
        full=("completed",),
        absent=("preparation", "not-done", "entered-in-error"),
    ),
    "MedicationAdministration": Shape(
        dates=("effectiveDateTime", "effectivePeriod"),
        full=("in-progress", "completed", "stopped"),
        absent=("not-done", "entered-in-error"),
        codes=("medicationCodeableConcept",),
        medication=True,
    ),
    "MedicationStatement": Shape(
        dates=("effectiveDateTime", "effectivePeriod", "dateAsserted"),
        full=("active", "completed", "stopped"),
        absent=("not-taken", "entered-in-error"),
        codes=("medicationCodeableConcept",),
        medication=True,
    ),
    "MedicationRequest": Shape(
        dates=("authoredOn",),
        absent=("cancelled", "draft", "entered-in-error"),
        codes=("medicationCodeableConcept",),
        medication=True,
    ),
    "AllergyIntolerance": Shape(
        patient="patient",
        dates=("recordedDate",),
        status="",
        coded_status="verificationStatus",
        full=("-", "confirmed"),
        absent=("refuted", "entered-in-error"),
    ),
    "DiagnosticReport": Shape(
        dates=("effectiveDateTime", "effectivePeriod", "issued"),
        full=("final", "amended", "corrected", "appended"),
        absent=("registered", "cancelled", "entered-in-error"),
    ),
    "ImagingStudy": Shape(
        dates=("started",),
        full=("available",),
        absent=("cancelled", "entered-in-error"),
        codes=("procedureCode",),
    ),
}
#: Clinical statuses of a Condition that is over.
ENDED = ("inactive", "remission", "resolved")
#: Which types a declared coverage stands for.
COVERAGE: dict[str, tuple[str, ...]] = {
    "allergies": ("AllergyIntolerance",),
    "conditions": ("Condition",),
    "medications": ("MedicationAdministration", "MedicationStatement"),
    "procedures": ("Procedure",),
}
CONSENT_SCOPE = ("http://terminology.hl7.org/CodeSystem/consentscope", "research")
