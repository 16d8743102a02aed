"""Invariants that R5 has beyond R4's, or says otherwise (hl7.org/fhir/R5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfhir.fhir.rules.clinical import con_4
from netfhir.fhir.rules.rule import Rule, any_of, chosen, descendants, excludes, has

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def _av_1(available: Json) -> bool:
    return not (
        available.get("allDay") and has(available, "availableStartTime", "availableEndTime")
    )


def _dev_1(device: Json) -> bool:
    return sum(name.get("display") is True for name in device["name"]) <= 1


def _dos_1(dosage: Json) -> bool:
    return dosage.get("asNeeded", True) is True


def _kind(reference: Json) -> str:
    """Return the type that a literal names, or ""."""
    return str(reference.get("reference", "")).rpartition("/")[0].rpartition("/")[2]


def _enc_2(participant: Json) -> bool:
    return not has(participant, "type") or _kind(participant["actor"]) not in {"Patient", "Group"}


def _no_home(name: str) -> Rule:
    def holds(contact: Json) -> bool:
        found = contact[name] if isinstance(contact[name], list) else [contact[name]]
        return all(one.get("use") != "home" for one in found)

    return Rule(holds, (name,))


def _prc_1(performer: Json) -> bool:
    return _kind(performer.get("actor", {})) not in {"Practitioner", "PractitionerRole"}


def _prov_1(agent: Json) -> bool:
    who = agent.get("who", {}).get("reference")
    return who is None or who != agent["onBehalfOf"].get("reference")


def _qrs_2(item: Json) -> bool:
    groups = [part["item"] for part in descendants(item) if "item" in part]
    answered = [[one["linkId"] for one in group if has(one, "answer")] for group in groups]
    return all(len(set(links)) == len(links) for links in answered)


def _exactly_one(one: str, other: str) -> Rule:
    return Rule(lambda value: has(value, one) != has(value, other))


def _ratrng_1(ratio: Json) -> bool:
    top, bottom = has(ratio, "lowNumerator", "highNumerator"), has(ratio, "denominator")
    return top == bottom and (top or has(ratio, "extension"))


def _ratrng_2(ratio: Json) -> bool:
    low, high = ratio["lowNumerator"].get("value"), ratio.get("highNumerator", {}).get("value")
    return low is None or high is None or bool(low <= high)


def _exp_2(expression: Json) -> bool:
    return _VARIABLE.fullmatch(expression.get("name", "x")) is not None


RULES: dict[str, Rule] = {
    "av-1": Rule(_av_1, ("allDay",)),
    "bdystr-1": excludes("bodyStructure", "bodySite"),
    "con-3": Rule(con_4, ("abatement[x]",)),
    "dev-1": Rule(_dev_1, ("name",)),
    "dos-1": Rule(_dos_1, ("asNeededFor",)),
    "enc-1": any_of("actor", "type"),
    "enc-2": Rule(_enc_2, ("actor",)),
    "exp-2": Rule(_exp_2, ("name",)),
    "mad-1": Rule(lambda dosage: has(dosage, "dose", "text") or chosen(dosage, "rate") is not None),
    "obs-8": excludes("bodyStructure", "bodySite"),
    "org-3": _no_home("telecom"),
    "org-4": _no_home("address"),
    "pld-0": _exactly_one("requirement", "relatedData"),
    "pld-1": _exactly_one("requirement", "relatedData"),
    "prc-1": Rule(_prc_1, ("onBehalfOf",)),
    "prov-1": Rule(_prov_1, ("onBehalfOf",)),
    "qrs-2": Rule(_qrs_2, ("item",)),
    "ratrng-1": Rule(_ratrng_1),
    "ratrng-2": Rule(_ratrng_2, ("lowNumerator",)),
    "ref-2": any_of("reference", "identifier", "display", "extension"),
    "sdd-1": _exactly_one("interval", "offsets"),
}
