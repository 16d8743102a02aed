"""`python -m netfhir` is `netfhir`."""

from netfhir.cli import main

main()
