"""Invariants of R4's resource types, but for Bundle and Questionnaire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.fhir.rules.rule import (
    Rule,
    any_of,
    chosen,
    chosen_name,
    descendants,
    excludes,
    has,
    has_code,
    needs,
)

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
#: Types of a MeasureReport that only collects data, as R4 and as R5 calls them.
_NO_SCORES = {"data-collection", "data-exchange"}
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def _no_contained(*names: str) -> Rule:
    def holds(resource: Json) -> bool:
        return not any(has(inner.get("meta", {}), *names) for inner in resource["contained"])

    return Rule(holds, ("contained",))


def _dom_2(resource: Json) -> bool:
    return not any("contained" in inner for inner in resource["contained"])


def _own_ids(resource: Json) -> bool:
    ids = [inner.get("id") for inner in resource["contained"]]
    return None not in ids and len(set(ids)) == len(ids)


def _links(value: object) -> set[str]:
    """Return what points to a part of the resource: local references, canonicals, uris and urls."""
    found: set[str] = set()
    for part in descendants(value):
        for item in part.values():
            texts = item if isinstance(item, list) else [item]
            found |= {text for text in texts if isinstance(text, str) and text.startswith("#")}
    return found


def _dom_3(resource: Json) -> bool:
    pointed = _links(resource)
    return all(
        f"#{inner.get('id', '')}" in pointed or "#" in _links(inner)
        for inner in resource["contained"]
    )


def _obs_7(observation: Json) -> bool:
    if chosen(observation, "value") is None:
        return True
    own = observation.get("code", {}).get("coding", [])
    parts = [part.get("code", {}) for part in observation["component"]]
    return not any(coding in own for code in parts for coding in code.get("coding", ()))


def _obs_6(observation: Json) -> bool:
    return chosen(observation, "value") is None


def con_4(condition: Json) -> bool:
    """Say whether a condition that is abated has a clinical status that says so."""
    status = condition.get("clinicalStatus", {})
    return has_code(status, _CLINICAL, "resolved", "remission", "inactive")


def _con_5(condition: Json) -> bool:
    return not has_code(condition["verificationStatus"], _VERIFIED, "entered-in-error")


def _mad_1(dosage: Json) -> bool:
    return has(dosage, "dose") or chosen(dosage, "rate") is not None


def _gol_1(target: Json) -> bool:
    return chosen(target, "detail") is None or has(target, "measure")


def _mrp_2(report: Json) -> bool:
    """Ask each stratum for a value or components, never both or neither."""
    strata = [part for group in report["group"] for part in group.get("stratifier", ())]
    rows = [row for part in strata for row in part.get("stratum", ())]
    return all(bool(chosen_name(row, "value")) != has(row, "component") for row in rows)


def _not_home(contact: Json) -> bool:
    return contact.get("use") != "home"


def _qrs_1(item: Json) -> bool:
    return not has(item, "answer")


def _inv_1(task: Json) -> bool:
    """Tell whether the days allow it: times of one day are compared only with like offsets."""
    authored, modified = task.get("authoredOn", ""), task["lastModified"]
    length = min(len(authored), len(modified), len("2024-01-01"))
    return bool(authored[:length] <= modified[:length])


def _list_mode(mode: str, name: str) -> Rule:
    def holds(listing: Json) -> bool:
        return listing.get("mode") == mode or not any(has(e, name) for e in listing["entry"])

    return Rule(holds, ("entry",))


RULES: dict[str, Rule] = {
    "con-1": Rule(lambda stage: has(stage, "summary", "assessment")),
    "con-2": any_of("code", "detail"),
    "con-4": Rule(con_4, ("abatement[x]",)),
    "con-5": Rule(lambda c: "verificationStatus" not in c or _con_5(c), ("clinicalStatus",)),
    "contained-id": Rule(_own_ids, ("contained",)),
    "cpl-3": excludes("detail", "reference"),
    "ctm-1": needs("onBehalfOf", "member"),
    "dom-2": Rule(_dom_2, ("contained",)),
    "dom-3": Rule(_dom_3, ("contained",)),
    "dom-4": _no_contained("versionId", "lastUpdated"),
    "dom-5": _no_contained("security"),
    "gol-1": Rule(_gol_1),
    "inv-1": Rule(_inv_1, ("lastModified",)),
    "grp-1": Rule(lambda group: group.get("actual") is True, ("member",)),
    "lst-1": excludes("emptyReason", "entry"),
    "lst-2": _list_mode("changes", "deleted"),
    "lst-3": _list_mode("working", "date"),
    "mad-1": Rule(_mad_1),
    "mrp-1": Rule(lambda report: report.get("type") not in _NO_SCORES, ("group",)),
    "mrp-2": Rule(_mrp_2, ("group",)),
    "obs-3": any_of("low", "high", "text"),
    "obs-6": Rule(_obs_6, ("dataAbsentReason",)),
    "obs-7": Rule(_obs_7, ("component",)),
    "org-1": any_of("identifier", "name"),
    "org-2": Rule(_not_home),
    "org-3": Rule(_not_home),
    "pat-1": any_of("name", "telecom", "address", "organization"),
    "ppc-1": any_of("policy", "policyRule"),
    "prr-1": needs("orderDetail", "code"),
    "qrs-1": Rule(_qrs_1, ("item",)),
}
