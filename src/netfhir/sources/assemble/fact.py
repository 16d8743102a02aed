"""What every fact of a subject has: its key, its place, its subject and what it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.errors import RecordError
from netfhir.sources.assemble.link import links

if TYPE_CHECKING:
    from netfhir.sources.assemble import Assembly
    from netfhir.sources.row import Row
    from netfhir.trial.places import FactSource


def common(
    row: Row, source: FactSource, assembly: Assembly, names: tuple[str, str], column: str
) -> dict[str, Any]:
    """Return the attributes that each entity has; `names` are the form and the item of its key.

    `column` is where the fact is told; an empty one stands for the row.
    """
    subject = assembly.subject(row, source.subject)
    form, item = names
    event = assembly.reader.text(row, source.event)
    repeat = row.cells[source.repeat] if source.repeat else ""
    return {
        "key": assembly.key(subject, event, form, item, repeat),
        "origin": row.where(column),
        "subject": subject,
        "zone": assembly.zones[subject],
        "links": links(row, source, assembly),
    }


def contradiction(where: str, found: str) -> RecordError:
    """Return the refusal of a record that says two things of which only one can be."""
    return RecordError(
        "contradiction",
        where=where,
        found=found,
        expected="one of the two",
        remedy="correct the record in the source",
    )
