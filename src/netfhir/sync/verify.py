"""Reads back what should be there: missing, different, twice. Writes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.sync.diff import diff, loses_precision, theirs
from netfhir.sync.elements import missing_elements
from netfhir.sync.holdings import Reads, carries
from netfhir.sync.influence import Hospitals, element_at, hospitals
from netfhir.sync.plan import Planner, Remembers, Sorted, Terms
from netfhir.sync.records import Action
from netfhir.sync.retrying import Patience, Retry
from netfhir.sync.writing import token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.client import Stored
    from netfhir.sync.records import Known, Planned

_ROWS = 50
Row = TypeVar("Row")
_NOT_SENT = frozenset({Action.PARKED, Action.UNSUPPORTED, Action.BLOCKED, Action.DROPPED})


@dataclass(frozen=True, slots=True)
class Different:
    """A resource that the server holds with other elements; paths only, no values."""

    path: str
    where: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource that somebody at the hospital changed since we wrote it: no fault of anyone's."""

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
    changed: list[Changed] = field(default_factory=list)
    """What the hospital changed, and what an update leaves as it is there."""
    duplicate: list[Duplicate] = field(default_factory=list)
    resaved: list[tuple[str, str]] = field(default_factory=list)
    """`Type/id` and place of what is as we wrote it, at another version than the server told us.

    Somebody saved it without a change, or the server told another resource's version. It is read
    before the next change of it, where that version is not the one that is there.
    """
    not_checkable: list[str] = field(default_factory=list)
    """Types that this server cannot search by identifier: no duplicates were looked for."""
    precision_lost: bool = False
    """Whether the server returned a number of ours with other digits of the same value."""

    @property
    def exit_status(self) -> int:
        """Return 65 if anything was found, the hospital's own changes apart."""
        return 65 if self.missing or self.different or self.duplicate else 0


class Recalls(Remembers, Protocol):
    """What verifying needs of a ledger."""

    def besides(self) -> list[Known]:
        """Return the rows that no staging gives."""


@dataclass(slots=True)
class Verify:
    """One reading of everything staged; it trusts no ledger but for ids that the server gave."""

    staging: Sorted
    ledger: Recalls
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
            for chunk in _chunks(iter(self.ledger.besides())):
                _merge(findings, self._read_besides(chunk))
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
            _compare(found, item, what, self.terms.site_key)
        self._look_for_duplicates(found, items)
        return found

    def _read_besides(self, rows: Sequence[Known]) -> Findings:
        """Read what no source row stands for: each Provenance, and what was taken back."""
        found = Findings(read=len(rows))
        paths = [f"{known.resource_type}/{known.server_id}" for known in rows]
        stored = self.retry.call(lambda: self.client.read_many(paths))
        for known, path, what in zip(rows, paths, stored, strict=True):
            if what.body is None:
                found.missing.append((path, known.where))
            elif gone := missing_elements(known.elements or b"", what.body, self.terms.site_key):
                found.different.append(Different(path, known.where, gone))
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


def _compare(found: Findings, item: Planned, what: Stored, site_key: SiteKey) -> None:
    if what.body is None:
        found.missing.append((item.path, item.where))
        return
    ours = resource(item.body)
    same = to_bytes(theirs(what.body, ours)) == item.body
    changes = [] if same else [change.path for change in diff(what.body, ours)]
    if changes:
        _sort(found, item, changes, hospitals(item, what, site_key))
    elif item.action is Action.UNCHANGED and _is_resaved(item, what):
        found.resaved.append((item.path, item.where))
    found.precision_lost |= not same and loses_precision(what.body, ours)


def _is_resaved(item: Planned, what: Stored) -> bool:
    return bool(item.version_id and what.version_id) and item.version_id != what.version_id


def _sort(found: Findings, item: Planned, changes: list[str], theirs: Hospitals) -> None:
    """Note each path as a difference, as the hospital's change, or, added by it, not at all."""
    changed = tuple(path for path in changes if element_at(path) in theirs.changed)
    neither = theirs.changed | theirs.added
    different = tuple(path for path in changes if element_at(path) not in neither)
    if changed:
        found.changed.append(Changed(item.path, item.where, changed))
    if different:
        found.different.append(Different(item.path, item.where, different))


def _merge(findings: Findings, found: Findings) -> None:
    findings.read += found.read
    findings.missing += found.missing
    findings.different += found.different
    findings.changed += found.changed
    findings.duplicate += found.duplicate
    findings.resaved += found.resaved
    findings.precision_lost |= found.precision_lost
    for resource_type in found.not_checkable:
        if resource_type not in findings.not_checkable:
            findings.not_checkable.append(resource_type)


def _chunks(items: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(items, _ROWS)):
        yield chunk
