"""One Provenance a batch of what a run wrote: owed in the ledger until the server has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

from netfhir.hospital.profile import Strategy
from netfhir.sync.elements import elements_of
from netfhir.sync.records import Action, Outcome, Planned, State, digest_of
from netfhir.trial.batch import Batch, Origin, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from netfhir.sync.plan import Terms
    from netfhir.sync.records import Key, Known, Settled, Summary
    from netfhir.trial.batch import Activity

TYPE = "Provenance"
_MOST_TARGETS = 500


class Owed(NamedTuple):
    """A row whose present version no Provenance tells of."""

    run_id: int
    """The run that wrote it: its origin is the Provenance's."""
    activity: Activity
    attached: str
    """The id of a Provenance that was to tell of it, and did not arrive."""
    target: Target
    key: Key


class Owes(Protocol):
    """What is asked of a ledger."""

    def owed(self) -> Iterator[Owed]:
        """Yield the rows that a Provenance is owed for, by the first three of their facts."""

    def origins(self) -> Mapping[int, str]:
        """Return the origin of each run that wrote anything."""

    def find(self, resource_type: str, resource_id: str) -> Known | None:
        """Return one row, or None."""

    def attach(self, item: Planned, keys: Sequence[Key], activity: str) -> None:
        """Mark a Provenance in flight, and note at its targets that it is theirs."""

    def give(self, provenance_id: str, keys: Sequence[Key]) -> None:
        """Note that the targets have their Provenance."""


class Concludes(Protocol):
    """What is asked of a sender."""

    def conclude(self, items: Sequence[Planned]) -> list[Settled]:
        """Send and settle rows whose intent is written down."""

    def is_stopped(self) -> bool:
        """Return whether the run sends nothing more."""


@dataclass(frozen=True, slots=True)
class Provenances:
    """Writes what is owed; `compose` makes the resource: its id and its canonical bytes."""

    ledger: Owes
    terms: Terms
    compose: Callable[[Batch], tuple[str, bytes]]
    now: Callable[[], datetime]
    _counted: set[str] = field(default_factory=set)
    """The ids that this run has counted: a refused one is owed still, and counted once."""

    def write(self, sender: Concludes, summary: Summary) -> None:
        """Write a Provenance for each batch that is owed one, and count it.

        Where the server cannot take the type by an id of ours, all stays owed, and that is said.
        """
        rule = self.terms.rule(TYPE)
        if rule.strategy is not Strategy.PUT_ID:
            summary.unproven = sum(1 for _ in self.ledger.owed())
            return
        for batch, keys in _batches(self.ledger.owed(), self.ledger.origins(), self.now()):
            if sender.is_stopped():
                return
            self._write(batch, keys, sender, summary)

    def _write(
        self, batch: Batch, keys: Sequence[Key], sender: Concludes, summary: Summary
    ) -> None:
        item = self._planned(batch)
        known = self.ledger.find(TYPE, item.id)
        if known is not None and known.state is State.ACKED:
            self.ledger.give(item.id, keys)
            return
        if item.id in self._counted:
            return
        self._counted.add(item.id)
        summary.add(item)
        if known is not None and known.state is State.DEAD:
            summary.settle(TYPE, Outcome.DEAD, known.reason)
            return
        self.ledger.attach(item, keys, batch.activity)
        (became,) = sender.conclude([item])
        if became.outcome is Outcome.ACKNOWLEDGED:
            self.ledger.give(item.id, keys)
        summary.settle(TYPE, became.outcome, became.reason)

    def _planned(self, batch: Batch) -> Planned:
        name, body = self.compose(batch)
        site_key = self.terms.site_key
        return Planned(
            Action.CREATE,
            Strategy.PUT_ID,
            TYPE,
            name,
            "run",
            body,
            digest_of(site_key, body),
            server_id=name,
            elements=elements_of(site_key, body),
        )


def _batches(
    owed: Iterator[Owed], origins: Mapping[int, str], recorded: datetime
) -> Iterator[tuple[Batch, list[Key]]]:
    """Yield what is owed by run and activity; what was attached together stays together."""
    for (run_id, activity, _), group in groupby(owed, key=lambda row: row[:3]):
        origin = Origin.of_text(origins[run_id]) if run_id in origins else Origin()
        while chunk := list(islice(group, _MOST_TARGETS)):
            targets = tuple(row.target for row in chunk)
            yield Batch(activity, targets, recorded, origin), [row.key for row in chunk]
