"""Subjects: in SDTM one row of DM with its dispositions, in REDCap all rows of a record."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import RecordError
from netfhir.sources.assemble.gathering import gathered
from netfhir.trial.entities import ENDED, StateChange, Subject, SubjectState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly
    from netfhir.sources.reading import Reader
    from netfhir.sources.row import Row
    from netfhir.trial.export import StateSource, SubjectSource
    from netfhir.trial.places import Attribute

_STATES = frozenset(get_args(SubjectState))


@dataclass(frozen=True, slots=True)
class _Dated:
    change: StateChange
    order: float
    where: str
    whose: str
    """Where the state's subject stands; as `where`, but for what is told in another table."""


def entities(source: SubjectSource, assembly: Assembly) -> Iterator[Subject | RecordError]:
    """Yield one Subject per subject row or record; fills `assembly.zones`."""
    told = _told_elsewhere(source, assembly)
    for row in gathered(source, assembly):
        if isinstance(row, RecordError):
            yield row
            continue
        number = row.cells[source.subject]
        if number in assembly.zones or number in assembly.rejected:
            yield _twice(row, source.subject)
            continue
        try:
            yield _subject(row, source, assembly, told.pop(number, []) if number else [])
        except RecordError as error:
            assembly.rejected.add(number)
            yield error
    for orphans in told.values():
        yield from (_orphan(state) for state in orphans)


def _subject(
    row: Row, source: SubjectSource, assembly: Assembly, told: list[_Dated | RecordError]
) -> Subject:
    reader = assembly.reader
    number = reader.required(row, source.subject)
    site = _site(row, source, assembly)
    zone = assembly.trial.file.sites[site].zone
    subject = Subject(
        key=assembly.key(number, form="subject"),
        origin=row.where(),
        subject=number,
        zone=zone,
        site=site,
        states=_history(row, source, reader, told),
        other_numbers=tuple(
            (other.system, text)
            for other in source.other_numbers
            if (text := reader.text(row, other.column))
        ),
        arm=_arm(row, source.arm, assembly),
        actual_arm=_arm(row, source.actual_arm, assembly),
        consented=reader.when(row, source.consented),
        randomised=reader.when(row, source.randomised),
        randomisation_number=reader.text(row, source.randomisation_number) or None,
    )
    assembly.zones[number] = zone
    assembly.arms[number] = subject.arm
    assembly.sites[number] = site
    return subject


def _site(row: Row, source: SubjectSource, assembly: Assembly) -> str:
    site = assembly.reader.coded(row, source.site)
    sites = assembly.trial.file.sites
    if site in sites:
        return site
    raise RecordError(
        "unknown-site",
        where=row.where(source.site.column),
        found="a site that trial.toml does not declare",
        expected="one of " + ", ".join(f"`{known}`" for known in sites),
        remedy="declare the site with its time zone, or correct the source",
    )


def _arm(row: Row, place: Attribute | None, assembly: Assembly) -> str | None:
    return None if place is None else assembly.reader.choice(row, place, assembly.trial.file.arms)


def _history(
    row: Row, source: SubjectSource, reader: Reader, told: list[_Dated | RecordError]
) -> tuple[StateChange, ...]:
    dated: list[_Dated] = []
    for state in told:
        if isinstance(state, RecordError):
            raise state
        dated.append(state)
    dated += [
        found
        for state in source.states
        if not state.table and (found := _state(row, state, reader)) is not None
    ]
    if not dated:
        raise RecordError(
            "no-state",
            where=row.where(source.subject),
            found="a subject without any state in the trial",
            expected="at least one declared state",
            remedy="complete the disposition in the source: a state is never assumed",
        )
    if len(dated) > 1 and (undated := [state for state in dated if _is_vague(state, dated)]):
        raise RecordError(
            "undated-state",
            where=undated[0].where,
            found="a state without a date, or with too vague a one, beside others",
            expected="a date, by which the states are ordered",
            remedy="complete the date in the source: an order is never assumed",
        )
    dated.sort(key=_in_time)
    said = list(_said_once(dated))
    return tuple(reversed(dict.fromkeys(reversed(said))))


def _said_once(states: list[_Dated]) -> Iterator[StateChange]:
    """Yield each state with the reason that one of its places gives.

    Of one that is told twice of a day, the later place is the one in its order.
    """
    for state in states:
        same = [other.change for other in states if _is_same(other.change, state.change)]
        yield next((change for change in same if change.reason), same[0])


def _is_same(one: StateChange, other: StateChange) -> bool:
    return (one.state, one.since) == (other.state, other.since)


def _in_time(state: _Dated) -> tuple[str, bool, float]:
    """Order by date; within a day what ends the participation comes last, then by `order`."""
    return str(state.change.since), state.change.state in ENDED, state.order


def _is_vague(state: _Dated, others: list[_Dated]) -> bool:
    """Tell whether a state may be before or after another: 2024-02 beside 2024-02-01."""
    since = state.change.since
    if since is None:
        return True
    dates = [other.change.since.date for other in others if other.change.since is not None]
    return any(date != since.date and date.startswith(since.date) for date in dates)


def _state(row: Row, source: StateSource, reader: Reader) -> _Dated | None:
    since = reader.when(row, source.since)
    if source.state.constant and since is None:
        return None
    state = reader.choice(row, source.state, _STATES)
    if state is None:
        return None
    reason = reader.text(row, source.reason)
    change = StateChange(state=cast("SubjectState", state), since=since, reason=reason)
    order = reader.number(row, source.order)
    where = row.where(source.since or source.state.column)
    whose = row.where(source.subject) if source.subject else where
    return _Dated(change, float(order.digits) if order else 0.0, where, whose)


def _told_elsewhere(
    source: SubjectSource, assembly: Assembly
) -> dict[str, list[_Dated | RecordError]]:
    told: defaultdict[str, list[_Dated | RecordError]] = defaultdict(list)
    for state in source.states:
        for row in assembly.tables.table(state.table) if state.table else ():
            if isinstance(row, RecordError):
                told[""].append(row)
                continue
            try:
                if (found := _state(row, state, assembly.reader)) is not None:
                    told[row.cells[state.subject]].append(found)
            except RecordError as error:
                told[row.cells[state.subject]].append(error)
    return told


def _twice(row: Row, column: str) -> RecordError:
    return RecordError(
        "duplicate-subject",
        where=row.where(column),
        found="a subject that an earlier row declares",
        expected="one record a subject",
        remedy="remove the duplicated row in the source",
    )


def _orphan(state: _Dated | RecordError) -> RecordError:
    if isinstance(state, RecordError):
        return state
    return RecordError(
        "unknown-subject",
        where=state.whose,
        found="a state of a subject that no subject record declares",
        expected="a subject of the export",
        remedy="export the subject too, or remove the row",
    )
