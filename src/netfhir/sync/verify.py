"""Reads back what should be there: missing, different, twice. Writes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.sync.diff import diff, loses_precision, theirs
from netfhir.sync.holdings import Reads, carries
from netfhir.sync.plan import Planner, Remembers, Sorted, Terms
from netfhir.sync.records import Action
from netfhir.sync.retrying import Patience, Retry
from netfhir.sync.writing import token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netfhir.hospital.client import Stored
    from netfhir.sync.records import Planned

_ROWS = 50
_NOT_SENT = frozenset({Action.PARKED, Action.UNSUPPORTED, Action.BLOCKED, Action.DROPPED})


@dataclass(frozen=True, slots=True)
class Different:
    """A resource that the server holds with other elements; paths only, no values."""

    path: str
    where: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A fact that the server holds more than once."""

    resource_type: str
    where: str
    server_ids: tuple[str, ...]


@dataclass(slots=True)
class Findings:
    """What a verify came to."""

    read: int = 0
    left_out: int = 0
    """Rows that no run could or should send: parked, unsupported, blocked or dropped."""
    missing: list[tuple[str, str]] = field(default_factory=list)
    """`Type/id` and where its fact stands."""
    different: list[Different] = field(default_factory=list)
    duplicate: list[Duplicate] = field(default_factory=list)
    not_checkable: list[str] = field(default_factory=list)
    """Types that this server cannot search by identifier: no duplicates were looked for."""
    precision_lost: bool = False
    """Whether the server returned a number of ours with other digits of the same value."""

    @property
    def exit_status(self) -> int:
        """Return 65 if anything was found."""
        return 65 if self.missing or self.different or self.duplicate else 0


@dataclass(slots=True)
class Verify:
    """One reading of everything staged; it trusts no ledger but for ids that the server gave."""

    staging: Sorted
    ledger: Remembers
    client: Reads
    terms: Terms
    workers: int = 4
    on_read: Callable[[int], None] = lambda _: None
    retry: Retry = field(default_factory=lambda: Retry(Patience()))

    def run(self) -> Findings:
        """Read by id, compare, and look for duplicates where the server can search by identifier.

        Raises the ServerErrors of reading; temporary ones after the retries.
        """
        findings = Findings()
        planner = Planner(self.staging, self.ledger, self.terms)
        with ThreadPoolExecutor(self.workers, "netfhir-verify") as pool:
            for wave in planner.waves():
                chunks = _chunks(item for item in wave if _is_sendable(item, findings))
                while chunk_set := list(islice(chunks, self.workers)):
                    for found in pool.map(self._read_patiently, chunk_set):
                        _merge(findings, found)
                        self.on_read(found.read)
        findings.not_checkable.sort()
        return findings

    def _read_patiently(self, items: Sequence[Planned]) -> Findings:
        return self.retry.call(lambda: self._read(items))

    def _read(self, items: Sequence[Planned]) -> Findings:
        found = Findings(read=len(items))
        placed = [item for item in items if item.path]
        found.missing += [(item.resource_type, item.where) for item in items if not item.path]
        stored = self.client.read_many([item.path for item in placed])
        for item, what in zip(placed, stored, strict=True):
            _compare(found, item, what)
        self._look_for_duplicates(found, items)
        return found

    def _look_for_duplicates(self, found: Findings, items: Sequence[Planned]) -> None:
        for resource_type in dict.fromkeys(item.resource_type for item in items):
            if not self.terms.rule(resource_type).identifier_search:
                found.not_checkable.append(resource_type)
                continue
            tokens = {
                token_of(item.body, self.terms.identifier_system, item.where): item
                for item in items
                if item.resource_type == resource_type
            }
            bodies = self.client.search_identifiers(resource_type, list(tokens), "identifier")
            for token, item in tokens.items():
                ids = sorted(str(body["id"]) for body in bodies if carries(body, token))
                if len(ids) > 1:
                    found.duplicate.append(Duplicate(resource_type, item.where, tuple(ids)))


def _is_sendable(item: Planned, findings: Findings) -> bool:
    if item.action in _NOT_SENT:
        findings.left_out += 1
        return False
    return True


def _compare(found: Findings, item: Planned, what: Stored) -> None:
    if what.body is None:
        found.missing.append((item.path, item.where))
        return
    ours = resource(item.body)
    if to_bytes(theirs(what.body, ours)) == item.body:
        return
    changes = diff(what.body, ours)
    if changes:
        elements = tuple(change.path for change in changes)
        found.different.append(Different(item.path, item.where, elements))
    found.precision_lost |= loses_precision(what.body, ours)


def _merge(findings: Findings, found: Findings) -> None:
    findings.read += found.read
    findings.missing += found.missing
    findings.different += found.different
    findings.duplicate += found.duplicate
    findings.precision_lost |= found.precision_lost
    for resource_type in found.not_checkable:
        if resource_type not in findings.not_checkable:
            findings.not_checkable.append(resource_type)


def _chunks(items: Iterator[Planned]) -> Iterator[list[Planned]]:
    while chunk := list(islice(items, _ROWS)):
        yield chunk
