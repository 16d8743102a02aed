"""What a plan is made from, held in memory: rows that are staged, and rows that a ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.sync.staging import Staged, Wave

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sync.records import Known


class StagedRows:
    """Staged rows whose types lie in waves of their own, parents first."""

    def __init__(self, types: tuple[str, ...], *rows: Staged) -> None:
        """Take the types in the order of their waves; all but the last are parents."""
        self._types, self._rows = types, rows

    def waves(self) -> list[Wave]:
        """Return one wave a type."""
        return [Wave((name,), 0) for name in self._types]

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        """Return the rows of one wave."""
        assert wave
        return (row for row in self._rows if row.resource_type in wave.resource_types)

    def parent_types(self) -> set[str]:
        """Return the types that others refer to."""
        return set(self._types[:-1])

    def find(self, resource_type: str, resource_id: str) -> Staged | None:
        """Nobody looks a single row up while planning."""
        raise AssertionError((resource_type, resource_id))


class KnownRows:
    """The rows of a ledger."""

    def __init__(self, *rows: Known) -> None:
        """Take the rows."""
        self._rows = rows

    def rows(self, resource_type: str) -> Iterator[Known]:
        """Return those of a type."""
        return (row for row in self._rows if row.resource_type == resource_type)
