"""FHIR's invariants written in Python, one small function each, by what they are about."""
