"""Rows to entities, one module an entity; the module's name is the entity's in a declaration.

Each module has `entities(source, assembly)`, which yields entities, and a RecordError for each
fact that cannot be one. What an entity is not told, it does not get.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import RecordError
from netfhir.fhir.identity import SourceKey
from netfhir.trial.entities import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netfhir.sources.reading import Reader
    from netfhir.sources.row import Record, Row
    from netfhir.trial.declaration import Trial
    from netfhir.trial.entities import Entity
    from netfhir.trial.places import FactSource

    Fact = Entity | RecordError


class Tables(Protocol):
    """An opened export: the rows of a table (SDTM) or of an instrument (REDCap), in file order."""

    def rows(self, source: FactSource) -> Iterator[Record]:
        """Yield the rows that may hold facts of this source."""

    def table(self, name: str) -> Iterator[Record]:
        """Yield all rows of a table."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the assembling modules share: the declaration, the reader, and the subjects met."""

    trial: Trial
    tables: Tables
    reader: Reader
    zones: dict[str, str | None] = field(default_factory=dict)
    """Subject -> the zone of its site; a subject that is not here is unknown."""
    arms: dict[str, str | None] = field(default_factory=dict)
    """Subject -> the arm drawn; None before randomisation."""
    sites: dict[str, str] = field(default_factory=dict)
    """Subject -> the code of its site."""
    rejected: set[str] = field(default_factory=set)
    met: set[SourceKey] = field(default_factory=set)
    """The keys of the facts that others may refer to."""
    last: dict[tuple[str, str], SourceKey] = field(default_factory=dict)
    """(entity, subject) -> the last fact of it that was met."""
    targets: set[str] = field(default_factory=set)
    """The entities that links lead to; of others nothing is kept."""

    def meet(self, name: str, fact: Entity) -> None:
        """Keep a fact's key where others may refer to it."""
        if name in self.targets:
            self.met.add(fact.key)
            self.last[name, fact.subject] = fact.key

    def key(
        self, subject: str, event: str = "", form: str = "", item: str = "", repeat: str = ""
    ) -> SourceKey:
        """Return the key of a fact of this trial."""
        return SourceKey(self.trial.file.study, subject, event, form, item, repeat)

    def subject(self, row: Row, column: str) -> str:
        """Return the row's subject, who must be known."""
        subject = self.reader.required(row, column)
        if subject in self.zones:
            return subject
        if subject in self.rejected:
            raise RecordError(
                "subject-rejected",
                where=row.where(column),
                found="a subject whose own record was rejected",
                remedy="mend the subject's record first: its facts follow",
            )
        raise RecordError(
            "unknown-subject",
            where=row.where(column),
            found="a subject that no subject record declares",
            expected="a subject of the export",
            remedy="export the subject too, or remove the row",
        )


def entities(assembly: Assembly, sources: tuple[FactSource, ...]) -> Iterator[tuple[str, Fact]]:
    """Yield (entity name, entity or rejection) for all facts: subjects first, then as declared.

    Only what subjects refer to goes before them: their consents, so that these were met.
    """
    assembly.targets.update(link.to for source in sources for link in source.links)
    subjects = [source for source in sources if _name(source) == "subject"]
    before = {link.to for source in subjects for link in source.links}
    yield from _people(assembly, subjects, [s for s in sources if _name(s) in before])
    for source in sources:
        if _name(source) not in {"subject", *before}:
            yield from _facts(source, assembly)


def _people(
    assembly: Assembly, subjects: Sequence[FactSource], before: Sequence[FactSource]
) -> Iterator[tuple[str, Fact]]:
    """Yield the subjects; where they refer to facts, refused ones, these facts, then the others."""
    people = [fact for source in subjects for _, fact in _facts(source, assembly)]
    if not before:
        yield from (("subject", fact) for fact in people)
        return
    yield from (("subject", fact) for fact in people if isinstance(fact, RecordError))
    for source in before:
        yield from _facts(source, assembly)
    for fact in people:
        if not isinstance(fact, RecordError):
            yield "subject", _with_last(fact, subjects, assembly)


def _facts(source: FactSource, assembly: Assembly) -> Iterator[tuple[str, Fact]]:
    name = _name(source)
    module = import_module(f"{__name__}.{name}")
    for fact in module.entities(source, assembly):
        if not isinstance(fact, RecordError):
            assembly.meet(name, fact)
        yield name, fact


def _with_last(fact: Entity, sources: Iterable[FactSource], assembly: Assembly) -> Entity:
    """Return a subject with its links: to the last fact that was told of each entity."""
    found = [
        Link(element=link.element, to=link.to, key=assembly.last[link.to, fact.subject])
        for source in sources
        for link in source.links
        if (link.to, fact.subject) in assembly.last
    ]
    return fact.model_copy(update={"links": tuple(found)}) if found else fact


def each(
    source: FactSource, assembly: Assembly, build: Callable[[Row], Iterable[Fact]]
) -> Iterator[Fact]:
    """Yield what `build` makes of each row; its RecordError rejects the row's fact alone."""
    for row in assembly.tables.rows(source):
        if isinstance(row, RecordError):
            yield row
            continue
        try:
            yield from build(row)
        except RecordError as error:
            yield error


def _name(source: FactSource) -> str:
    return str(getattr(source, "entity"))  # noqa: B009 - each source has its own literal
