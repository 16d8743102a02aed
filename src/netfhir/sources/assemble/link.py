"""What a fact refers to: other facts of the same subject that the export told before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.trial.entities import Link

if TYPE_CHECKING:
    from netfhir.fhir.identity import SourceKey
    from netfhir.sources.assemble import Assembly
    from netfhir.sources.reading import Reader
    from netfhir.sources.row import Row
    from netfhir.trial.places import FactSource, LinkSource


def links(row: Row, source: FactSource, assembly: Assembly) -> tuple[Link, ...]:
    """Return the declared links whose facts were met; RecordError where a required one was not."""
    found = []
    for declared in source.links:
        if not _says(row, declared, assembly.reader):
            continue
        key = _key(row, declared, source, assembly)
        if key in assembly.met:
            found.append(
                Link(
                    element=declared.element,
                    to=declared.to,
                    key=key,
                    required=declared.required,
                )
            )
        elif declared.required:
            raise RecordError(
                "unknown-fact",
                where=row.where(source.subject),
                found=f"a record that belongs to a {declared.to} which the export does not tell",
                expected=f"the {declared.to} of the same subject, with an accepted record",
                remedy="complete the other record in the source, or mend what it was rejected for",
            )
    return tuple(found)


def _says(row: Row, declared: LinkSource, reader: Reader) -> bool:
    """Tell whether the columns that name what is referred to are filled."""
    places = [place.column for place in (declared.event, declared.item) if place]
    return all(reader.text(row, column) for column in [*places, declared.repeat] if column)


def _key(row: Row, declared: LinkSource, source: FactSource, assembly: Assembly) -> SourceKey:
    reader = assembly.reader
    event = row.cells[source.event] if source.event else ""
    return assembly.key(
        row.cells[source.subject],
        (reader.coded(row, declared.event) or "") if declared.event else event,
        declared.form or declared.to,
        reader.coded(row, declared.item) or "",
        row.cells[declared.repeat] if declared.repeat else "",
    )
