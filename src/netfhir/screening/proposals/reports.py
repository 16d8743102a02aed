"""Why: a MeasureReport a patient, with the evidence, and one for the funnel, small counts masked.

The populations of a group are the four answers of a criterion's own statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir import extensions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.screening.proposals.proposal import Person, Proposals

ANSWERS: Final = ("met", "not-met", "unknown", "not-applicable")
_OUTCOMES: Final = ("candidate", "undecided", "excluded")


def individual(person: Person, proposals: Proposals) -> Draft:
    """Return one patient's verdicts, a group a criterion, and what they rest on."""
    evidence = {
        f"{one['type']}/{one['id']}" for verdict in person.verdicts for one in verdict["evidence"]
    }
    body = _report("individual", proposals) | {
        "subject": {"reference": f"Patient/{person.patient}"},
        "group": [
            _group(v["criterion"], [(a, int(v["status"] == a)) for a in ANSWERS], proposals)
            for v in person.verdicts
        ],
    }
    if evidence:
        body["evaluatedResource"] = [{"reference": path} for path in sorted(evidence)]
    return proposals.draft("MeasureReport", proposals.key(person.patient, "report"), body)


def funnel(proposals: Proposals) -> Draft:
    """Return the sums over all patients; a count that could tell of a single one is masked."""
    told = proposals.funnel
    groups = [_masked("outcome", [(o, told["outcomes"][o]) for o in _OUTCOMES], proposals)]
    groups += [
        _masked(criterion, [(a, counts[a]) for a in ANSWERS], proposals)
        for criterion, counts in told["criteria"].items()
    ]
    body = _report("summary", proposals) | {"group": groups}
    key = proposals.naming.key(form="screening", item="funnel")
    return proposals.draft("MeasureReport", key, body)


def _report(kind: str, proposals: Proposals) -> Json:
    digest = proposals.funnel["criteria_digest"][:12]
    return {
        "status": "complete",
        "type": kind,
        "measure": f"{proposals.naming.base}/Measure/screening|{digest}",
        "period": {"start": proposals.as_of, "end": proposals.as_of},
    }


def _group(name: str, counts: Iterable[tuple[str, int | None]], proposals: Proposals) -> Json:
    return {
        "code": proposals.concept(name),
        "population": [
            {"code": proposals.concept(answer), **_count(count)} for answer, count in counts
        ],
    }


def _masked(name: str, counts: list[tuple[str, int]], proposals: Proposals) -> Json:
    """Return a group whose small counts are not told, nor what they could be worked out from.

    One masked count alone would follow from the sum of patients: the next smallest goes with it.
    """
    small = {a for a, n in counts if 0 < n < proposals.small_cells}
    if len(small) == 1:
        others = [(n, a) for a, n in counts if n and a not in small]
        small |= {min(others)[1]} if others else set()
    return _group(name, [(a, None if a in small else n) for a, n in counts], proposals)


def _count(count: int | None) -> dict[str, Any]:
    if count is None:
        return {"_count": extensions.absent("masked")}
    return {"count": count}
