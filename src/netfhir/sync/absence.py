"""Rows that the server holds of us and the source has no more: found, and guarded.

A source that was read in part, or whose facts were rejected, tells nothing of what is gone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from netfhir.sync.records import Known

#: Never staged, so never missed: a run writes them about its own work.
_NOT_OF_THE_SOURCE = frozenset({"Provenance"})

#: The larger of the two is the most that a run takes back unasked. Source: the runaway-delete
#: guards of loaders before us; the figures are docs/design.md's.
_MOST_ROWS = 10
_MOST_SHARE = 0.02


class Lists(Protocol):
    """What is asked of a staging."""

    def ids(self, resource_type: str) -> Iterator[str]:
        """Yield the ids of a type in order."""


class Holds(Protocol):
    """What is asked of a ledger."""

    def held_types(self) -> list[str]:
        """Return the types of the rows that the server acknowledged."""

    def held_ids(self, resource_type: str) -> Iterator[str]:
        """Yield the ids of the acknowledged rows of a type in order."""

    def find(self, resource_type: str, resource_id: str) -> Known | None:
        """Return one row, or None."""


@dataclass(slots=True)
class Absence:
    """What is gone from the source."""

    rows: list[Known] = field(default_factory=list)
    withheld: dict[str, int] = field(default_factory=dict)
    """How many rows of each type are not in a source that tells nothing of this type."""
    held: int = 0
    """How many rows the server holds of us in all."""

    def counts(self) -> dict[str, int]:
        """Return how many rows of each type are gone."""
        return dict(sorted(Counter(known.resource_type for known in self.rows).items()))

    def guard(self, *, allowed: bool) -> None:
        """Raise FormatError (65) where more is gone than an unasked run may take back."""
        most = max(_MOST_ROWS, int(self.held * _MOST_SHARE))
        if allowed or len(self.rows) <= most:
            return
        raise FormatError(
            "retraction-guard",
            where="retract",
            found=f"{len(self.rows)} of {self.held} rows gone from the export",
            expected=f"at most {most}",
            remedy="is the export whole, and of this trial? If so, give --allow-retractions",
        )


def absence(staging: Lists, ledger: Holds, silent: Collection[str]) -> Absence:
    """Return what is gone; of the `silent` types nothing is, whatever the source lacks."""
    found = Absence()
    for resource_type in ledger.held_types():
        if resource_type in _NOT_OF_THE_SOURCE:
            continue
        staged, held = staging.ids(resource_type), _Counted(ledger.held_ids(resource_type))
        gone = list(_without(held, staged))
        found.held += held.seen
        if gone and resource_type in silent:
            found.withheld[resource_type] = len(gone)
        else:
            rows = (ledger.find(resource_type, name) for name in gone)
            found.rows += [known for known in rows if known is not None]
    return found


class _Counted:
    """An iterator that counts what it yields."""

    def __init__(self, items: Iterator[str]) -> None:
        self._items = items
        self.seen = 0

    def __iter__(self) -> Iterator[str]:
        for item in self._items:
            self.seen += 1
            yield item


def _without(held: _Counted, staged: Iterator[str]) -> Iterator[str]:
    """Yield what is held and not staged; both come in order."""
    other = next(staged, None)
    for name in held:
        while other is not None and other < name:
            other = next(staged, None)
        if other != name:
            yield name
