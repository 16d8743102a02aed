"""Accession numbers: what the hospital calls an examination."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfhir.sources.reading import Reader
    from netfhir.sources.row import Row


def accession(row: Row, column: str, system: str, reader: Reader) -> tuple[str, str] | None:
    """Return system and value of the accession number; None where the row has none."""
    number = reader.text(row, column)
    return (system, number) if number else None
