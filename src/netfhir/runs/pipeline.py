"""Source facts to staged resources: assemble, map, check, stage; every fact is accounted for.

Input = mapped + rejected, per entity. A fact whose resource is invalid, or whose key was used
before, is a rejected one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.mappers import mapper
from netfhir.sync.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netfhir.fhir.draft import Draft
    from netfhir.fhir.gate import Gate
    from netfhir.fhir.identity import SourceKey
    from netfhir.mappers import MappingSite
    from netfhir.sources.assemble import Fact
    from netfhir.sync.staging import Staging
    from netfhir.trial.entities import Entity

_BATCH = 1_000


def _ignore(_name: str, _fact: Entity) -> None:
    """Do nothing with a fact that was mapped."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which subjects a cautious first run takes: named ones, or the first few; else all."""

    subjects: frozenset[str] = frozenset()
    limit: int | None = None
    _taken: set[str] = field(default_factory=set)

    def unmet(self) -> int:
        """Return how many of the named subjects had no fact."""
        return len(self.subjects - self._taken)

    def takes(self, subject: str) -> bool:
        """Tell whether this run takes the subject; the first ones met count towards the limit."""
        if self.subjects and subject not in self.subjects:
            return False
        if subject in self._taken:
            return True
        if self.limit is not None and len(self._taken) >= self.limit:
            return False
        self._taken.add(subject)
        return True


@dataclass(slots=True)
class Account:
    """What became of the facts, per entity, and each rejection."""

    input: Counter[str] = field(default_factory=Counter)
    mapped: Counter[str] = field(default_factory=Counter)
    rejects: list[RecordError] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    """Facts of subjects that this run does not take; no part of the input."""
    derived: Account | None = None
    """What became of the facts that were concluded from these; no part of the input."""

    def reject(self, entity: str, error: RecordError) -> None:
        """Count a rejected fact."""
        self.rejected[entity] += 1
        self.rejects.append(error)

    def balanced(self) -> bool:
        """Tell whether input = mapped + rejected for every entity."""
        own = self.input == self.mapped + self.rejected
        return own and (self.derived is None or self.derived.balanced())


@dataclass(slots=True)
class Pipeline:
    """Maps facts and stages their resources in batches."""

    site: MappingSite
    gate: Gate
    staging: Staging
    selection: Selection = field(default_factory=Selection)
    extension_base: str = CROSS_VERSION
    on_staged: Callable[[int], None] = lambda _: None
    account: Account = field(default_factory=Account)
    _shared: set[tuple[str, str]] = field(default_factory=set)
    _refused: set[SourceKey] = field(default_factory=set)
    """Facts that were rejected here: nothing may refer to them."""
    _waiting: list[tuple[str, int, Staged]] = field(default_factory=list)
    """Entity, the fact's number, and one of its resources."""

    def study(self, drafts: Iterable[Draft]) -> None:
        """Stage the study's own resources: one fact, the registry record."""
        self._take("study", lambda: iter(drafts))
        self._flush()

    def proposals(self, drafts: Iterable[Draft]) -> Account:
        """Stage what a screening proposes, each resource a fact of its own."""
        for draft in drafts:
            self._take("proposal", lambda: iter([draft]))  # noqa: B023 - taken at once
        self._flush()
        return self.account

    def facts(
        self, facts: Iterable[tuple[str, Fact]], mapped: Callable[[str, Entity], None] = _ignore
    ) -> Account:
        """Stage the resources of all facts, telling `mapped` each; return what became of them."""
        mappers = {}
        for name, fact in facts:
            if isinstance(fact, RecordError):
                self._refuse(name, fact)
                continue
            if not self.selection.takes(fact.subject):
                self.account.left_out[name] += 1
                continue
            if name not in mappers:
                mappers[name] = mapper(name)
            try:
                linked = self._linked(fact)
            except RecordError as error:
                self._refuse(name, error)
                self._refused.add(fact.key)
                continue
            if self._take(name, _bound(mappers[name], linked, self.site)):
                mapped(name, linked)
            else:
                self._refused.add(fact.key)
        self._flush()
        return self.account

    def _refuse(self, name: str, error: RecordError) -> None:
        self.account.input[name] += 1
        self.account.reject(name, error)

    def _linked(self, fact: Entity) -> Entity:
        """Return the fact without references to rejected facts; RecordError if it needs one."""
        lost = [link for link in fact.links if link.key in self._refused]
        if not lost:
            return fact
        if any(link.required for link in lost):
            raise RecordError(
                "refers-to-rejected",
                where=fact.origin,
                found=f"a record that belongs to a rejected {lost[0].to}",
                remedy="mend the other record first: this one follows",
            )
        kept = tuple(link for link in fact.links if link not in lost)
        return fact.model_copy(update={"links": kept})

    def _take(self, name: str, drafts: Callable[[], Iterator[Draft]]) -> bool:
        """Stage what `drafts` yields; False where the fact was rejected."""
        self.account.input[name] += 1
        met: set[tuple[str, str]] = set()
        try:
            checked = [self._checked(draft) for draft in drafts() if self._is_new(draft, met)]
        except RecordError as error:
            self.account.reject(name, error)
            return False
        self._shared |= met
        self.account.mapped[name] += 1
        number = self.account.input.total()
        self._waiting += [(name, number, row) for row in checked]
        if len(self._waiting) >= _BATCH:
            self._flush()
        return True

    def _is_new(self, draft: Draft, met: set[tuple[str, str]]) -> bool:
        """Tell whether no earlier fact brought this draft; a rejected fact has brought nothing."""
        if not draft.shared:
            return True
        key = (draft.resource_type, draft.id)
        new = key not in self._shared and key not in met
        met.add(key)
        return new

    def _checked(self, draft: Draft) -> Staged:
        draft = draft.in_version(self.site.fhir, self.extension_base)
        self.gate.check(draft)
        return Staged(
            draft.resource_type, draft.id, draft.subject, draft.where, to_bytes(draft.body)
        )

    def _flush(self) -> None:
        """Stage what waits; a fact of several resources is rejected once, whatever was refused."""
        facts = {row.where: (name, number) for name, number, row in self._waiting}
        refused: set[tuple[str, int]] = set()
        for error in self.staging.add([row for _, _, row in self._waiting]):
            fact = facts[error.where]
            if fact not in refused:
                refused.add(fact)
                self.account.mapped[fact[0]] -= 1
                self.account.reject(fact[0], error)
        self.on_staged(len(self._waiting))
        self._waiting.clear()


def _bound(
    drafts: Callable[[Entity, MappingSite], Iterator[Draft]], fact: Entity, site: MappingSite
) -> Callable[[], Iterator[Draft]]:
    return lambda: drafts(fact, site)
