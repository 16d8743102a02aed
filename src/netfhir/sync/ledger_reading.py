"""What a ledger answers beside its rows by type: what is held, owed a Provenance, or taken back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from netfhir.sync import owing
from netfhir.sync.provenance import TYPE, Owed
from netfhir.sync.records import Known, State
from netfhir.sync.schema import ORIGIN, RESOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Select

    from netfhir.sync.ledger_file import LedgerFile
    from netfhir.sync.records import Key

READ_ROWS = 1000
KNOWN = (*RESOURCE.c[:10], RESOURCE.c.elements_acked, RESOURCE.c.elements_sent)
_STATE = {state.value: state for state in State}
_HELD_STATES = RESOURCE.c.state.in_((State.ACKED, State.CONFLICT))
_IS_HELD = _HELD_STATES & RESOURCE.c.digest_acked.is_not(None)


class Reading:
    """The reading half of a ledger."""

    _file: LedgerFile

    def held_types(self) -> list[str]:
        """Return the types of the rows that the server acknowledged."""
        query = select(RESOURCE.c.resource_type).distinct().where(_IS_HELD)
        with self._file.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def held_ids(self, resource_type: str) -> Iterator[str]:
        """Yield the ids of the acknowledged rows of a type in order."""
        query = select(RESOURCE.c.id).where(RESOURCE.c.resource_type == resource_type, _IS_HELD)
        with self._file.reading() as connection:
            ordered = query.order_by(RESOURCE.c.id)
            yield from connection.execution_options(yield_per=READ_ROWS).execute(ordered).scalars()

    def find(self, resource_type: str, resource_id: str) -> Known | None:
        """Return one row, or None."""
        key = (RESOURCE.c.resource_type == resource_type, RESOURCE.c.id == resource_id)
        return next(self._read(select(*KNOWN).where(*key)), None)

    def find_all(self, keys: Collection[Key]) -> dict[Key, Known]:
        """Return the rows of these types and ids that there are; the index knows one type's ids."""
        names: dict[str, list[str]] = defaultdict(list)
        for resource_type, name in keys:
            names[resource_type].append(name)
        found: dict[Key, Known] = {}
        for resource_type, of_type in names.items():
            its = (RESOURCE.c.resource_type == resource_type, RESOURCE.c.id.in_(of_type))
            found |= {known.key: known for known in self._read(select(*KNOWN).where(*its))}
        return found

    def owed(self) -> Iterator[Owed]:
        """Yield the rows that a Provenance is owed for, as they stood when the reading began."""
        with self._file.reading() as connection:
            yield from owing.owed(connection)

    def origins(self) -> dict[int, str]:
        """Return the origin of each run that wrote anything."""
        with self._file.reading() as connection:
            told = connection.execute(select(ORIGIN.c.run_id, ORIGIN.c.facts))
            return {int(run_id): str(facts) for run_id, facts in told}

    def besides(self) -> list[Known]:
        """Return the rows that no staging gives: of each Provenance, and of what was taken back."""
        told = (RESOURCE.c.resource_type == TYPE) & (RESOURCE.c.state == State.ACKED.value)
        query = select(*KNOWN).where(told | (RESOURCE.c.state == State.RETRACTED.value))
        return list(self._read(query.order_by(RESOURCE.c.resource_type, RESOURCE.c.id)))

    def _read(self, query: Select[Any]) -> Iterator[Known]:
        with self._file.reading() as connection:
            for row in connection.execution_options(yield_per=READ_ROWS).execute(query):
                yield Known(row[0], row[1], row[2], _STATE[row[3]], *row[4:])
