"""Two screenings of one hospital compared: whose verdict changed, and why.

The reason is told by what differs: the record (another evidence), the criteria (another digest),
or the day alone.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]


def changes(
    before: Iterable[Row], after: Iterable[Row], *, amended: bool, partial: bool = False
) -> Iterator[Row]:
    """Yield a row for each verdict that is not what it was; both inputs are in order of patients.

    `amended` says that the criteria are others than before, `partial` that only those were judged
    whom a night touches: who is not among them has not gone.
    """
    for patient, old, new in _paired(before, after):
        if partial and not new:
            continue
        for criterion in {**old, **new}:
            was, now = old.get(criterion), new.get(criterion)
            if _said(was) != _said(now):
                yield {
                    "patient": patient,
                    "criterion": criterion,
                    "before": _said(was),
                    "after": _said(now),
                    "why": _why(was, now, amended=amended),
                    "evidence": now["evidence"] if now else [],
                }


def _said(row: Row | None) -> Row | None:
    return {"status": row["status"], "cause": row["cause"]} if row else None


def _why(was: Row | None, now: Row | None, *, amended: bool) -> str:
    if was is None or now is None:
        return "criteria" if amended else "patient"
    if _facts(was) != _facts(now):
        return "record"
    return "criteria" if amended else "day"


def _facts(row: Row) -> set[tuple[str, ...]]:
    """Return the facts without what they were held against."""
    return {(one["type"], one["id"], one["version"], one["value"]) for one in row["evidence"]}


def _paired(
    before: Iterable[Row], after: Iterable[Row]
) -> Iterator[tuple[str, dict[str, Row], dict[str, Row]]]:
    """Yield the rows of each patient of either side, by criterion."""
    left, right = _patients(before), _patients(after)
    old, new = next(left, None), next(right, None)
    while old or new:
        if new is None or (old is not None and old[0] < new[0]):
            assert old is not None  # noqa: S101 - one of the two is there
            yield old[0], old[1], {}
            old = next(left, None)
        elif old is None or new[0] < old[0]:
            yield new[0], {}, new[1]
            new = next(right, None)
        else:
            yield new[0], old[1], new[1]
            old, new = next(left, None), next(right, None)


def _patients(rows: Iterable[Row]) -> Iterator[tuple[str, dict[str, Row]]]:
    for patient, own in groupby(rows, key=lambda row: row["patient"]):
        yield patient, {row["criterion"]: row for row in own}
