"""netfhir: the adapter between a clinical trial and a hospital's FHIR server."""

__version__ = "0.1.0"
