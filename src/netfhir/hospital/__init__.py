"""The hospital's FHIR server as seen from here; knows no trial, no mapping and no ledger."""
