"""A ledger made anew from what the server holds: adopted is what equals the export.

What differs stays a conflict, for without the old ledger nobody can tell an older version of ours
from a person's change. What the export no longer has is taken as the server has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import RejectedError
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import derived_id, identifiers_of
from netfhir.hospital.profile import Strategy
from netfhir.sync.diff import theirs
from netfhir.sync.elements import elements_of
from netfhir.sync.holdings import Reads
from netfhir.sync.looking import Look
from netfhir.sync.plan import Planner, Remembers, Sorted
from netfhir.sync.records import WRITES, Action, Outcome, Planned, digest_of, settled
from netfhir.sync.sending import met

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.plan import Terms
    from netfhir.sync.records import Key, Known, Settled
    from netfhir.sync.retrying import Retry

_ROWS = 50


class Scans(Reads, Protocol):
    """What rebuilding needs of a client."""

    def page_of_system(self, resource_type: str, system: str, after: str) -> tuple[list[Json], str]:
        """Return a page of what carries an identifier of a system, and where the next one is."""


class Fills(Remembers, Protocol):
    """What rebuilding needs of the new ledger."""

    def start_run(self) -> int:
        """Note that a run begins."""

    def intend(self, items: Sequence[Planned]) -> None:
        """Mark rows in flight."""

    def settle(self, items: Sequence[Settled]) -> None:
        """Write down what became of rows."""

    def find_all(self, keys: Collection[Key]) -> Mapping[Key, Known]:
        """Return the rows of these keys that there are."""

    def finish_run(self, counts: Mapping[str, object]) -> None:
        """Note that the run ended."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuilding came to."""

    adopted: int = 0
    """Rows of the export that the server holds as we would write them."""
    absent: int = 0
    """Rows that it does not hold: the next apply sends them."""
    different: list[tuple[str, str, str]] = field(default_factory=list)
    """`Type/id`, where the fact stands, and what differs: conflicts."""
    not_in_export: int = 0
    """Resources of ours that the export does not have now, taken as they are."""
    not_searchable: list[str] = field(default_factory=list)
    """Types that cannot be searched: what is not in the export was not looked for."""

    @property
    def exit_status(self) -> int:
        """Return 65 if a person has to look at something."""
        return 65 if self.different else 0

    def as_record(self) -> dict[str, object]:
        """Return the sums as JSON."""
        return {
            "adopted": self.adopted,
            "absent": self.absent,
            "different": len(self.different),
            "not_in_export": self.not_in_export,
            "not_searchable": self.not_searchable,
        }


@dataclass(slots=True)
class Rebuild:
    """One rebuilding of an empty ledger; writes nothing to the server."""

    staging: Sorted
    ledger: Fills
    client: Scans
    terms: Terms
    types: Collection[str]
    """Every type that netfhir writes."""
    retry: Retry
    result: Rebuilt = field(default_factory=Rebuilt)

    def run(self) -> Rebuilt:
        """Take in the export's rows, then what else carries our identifier system.

        Raises the ServerErrors of reading; temporary ones after the retries.
        """
        self.ledger.start_run()
        planner = Planner(self.staging, self.ledger, self.terms)
        look = Look(self.client, self.terms)
        for wave in planner.waves():
            for chunk in _chunks(item for item in wave if item.action in WRITES):
                for item in self._taken(chunk, look):
                    planner.note(item)
        for resource_type in sorted(self.types):
            self._scan(resource_type)
        self.ledger.finish_run(self.result.as_record())
        return self.result

    def _taken(self, items: Sequence[Planned], look: Look) -> list[Settled]:
        there = self.retry.call(lambda: look.found(items))
        became = [met(item, there[item.key]) for item in items if item.key in there]
        self.ledger.intend([item for item in items if item.key in there])
        self.ledger.settle(became)
        adopted = [item for item in became if item.outcome is Outcome.UNCHANGED]
        self.result.adopted += len(adopted)
        self.result.absent += len(items) - len(became)
        places = {item.key: item.where for item in items}
        self.result.different += [
            (f"{b.resource_type}/{b.id}", places[b.key], b.reason)
            for b in became
            if b.outcome is not Outcome.UNCHANGED
        ]
        absent = [settled(i, Outcome.BLOCKED) for i in items if i.key not in there]
        return [*became, *absent]

    def _scan(self, resource_type: str) -> None:
        """Take in what the export does not have: of a type, all that carries our system."""
        rule = self.terms.rule(resource_type)
        if rule.strategy is Strategy.UNSUPPORTED:
            return
        if not rule.identifier_search:
            self.result.not_searchable.append(resource_type)
            return
        try:
            for bodies in self._pages(resource_type):
                self._take_as_it_is([i for b in bodies if (i := self._ours(b, rule.strategy))])
        except RejectedError:
            self.result.not_searchable.append(resource_type)

    def _pages(self, resource_type: str) -> Iterator[list[Json]]:
        system, after = self.terms.identifier_system, ""
        while True:
            ask = partial(self.client.page_of_system, resource_type, system, after)
            bodies, after = self.retry.call(ask)
            yield bodies
            if not after:
                return

    def _ours(self, body: Json, strategy: Strategy) -> Planned | None:
        """Return the row that a resource is; None of a copy under an id that is not ours."""
        system = self.terms.identifier_system
        values = [i["value"] for i in identifiers_of(body) if i.get("system") == system]
        name = derived_id(self.terms.site_key, system, str(values[0]))
        server_id = str(body["id"])
        if strategy is Strategy.PUT_ID and server_id != name:
            return None
        ours = {"text": None} if strategy is not Strategy.PUT_ID else {"text": 0, "id": 0}
        held = to_bytes(theirs(body, ours))
        return Planned(
            Action.UPDATE,
            strategy,
            str(body["resourceType"]),
            name,
            "",
            held,
            digest_of(self.terms.site_key, held),
            server_id,
            str(body.get("meta", {}).get("versionId", "")),
            elements=elements_of(self.terms.site_key, held),
        )

    def _take_as_it_is(self, items: Sequence[Planned]) -> None:
        known = self.ledger.find_all([item.key for item in items])
        new = [item for item in items if item.key not in known]
        self.ledger.intend(new)
        self.ledger.settle([settled(i, Outcome.UNCHANGED, version_id=i.version_id) for i in new])
        self.result.not_in_export += len(new)


def _chunks(items: Iterator[Planned]) -> Iterator[list[Planned]]:
    while chunk := list(islice(items, _ROWS)):
        yield chunk
