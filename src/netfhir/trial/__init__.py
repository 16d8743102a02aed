"""The trial: its declaration, its entities; knows FHIR's names but builds no resource."""
