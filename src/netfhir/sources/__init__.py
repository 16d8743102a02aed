"""Reads what a trial has: registry records and exports; knows no FHIR resource and no hospital."""
