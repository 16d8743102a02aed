"""FHIR JSON: builds, names, checks and writes resources; knows no trial and no hospital."""
