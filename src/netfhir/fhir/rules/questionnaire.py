"""Invariants of Questionnaire, which we only contain (hl7.org/fhir/R4/questionnaire.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.fhir.rules.rule import Rule, chosen, descendants, excludes, has

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

_WITH_LENGTH = {"boolean", "decimal", "integer", "string", "text", "url", "open-choice"}
_WITH_OPTIONS = {
    *("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string"),
    "quantity",
}
_ONE_CONDITION = 2


def _type_in(types: set[str], *names: str) -> Rule:
    return Rule(lambda item: item.get("type") in types, names)


def _type_not_in(types: set[str], *names: str) -> Rule:
    return Rule(lambda item: item.get("type") not in types, names)


def _que_1(item: Json) -> bool:
    kind = item.get("type")
    return has(item, "item") if kind == "group" else kind != "display" or not has(item, "item")


def _que_2(questionnaire: Json) -> bool:
    links = [part["linkId"] for part in descendants(questionnaire) if "linkId" in part]
    return len(set(links)) == len(links)


def _que_7(condition: Json) -> bool:
    is_truth = isinstance(chosen(condition, "answer"), bool)
    return condition.get("operator") != "exists" or is_truth


def _que_12(item: Json) -> bool:
    return len(item["enableWhen"]) <= _ONE_CONDITION or has(item, "enableBehavior")


def _que_13(item: Json) -> bool:
    return item.get("repeats") is True or len(item["initial"]) <= 1


RULES: dict[str, Rule] = {
    "que-1": Rule(_que_1),
    "que-2": Rule(_que_2, ("item",)),
    "que-3": _type_not_in({"display"}, "code"),
    "que-4": excludes("answerOption", "answerValueSet"),
    "que-5": _type_in(_WITH_OPTIONS, "answerOption", "answerValueSet"),
    "que-6": _type_not_in({"display"}, "required", "repeats"),
    "que-7": Rule(_que_7),
    "que-8": _type_not_in({"group", "display"}, "initial"),
    "que-9": _type_not_in({"display"}, "readOnly"),
    "que-10": _type_in(_WITH_LENGTH, "maxLength"),
    "que-11": excludes("answerOption", "initial"),
    "que-12": Rule(_que_12, ("enableWhen",)),
    "que-13": Rule(_que_13, ("initial",)),
}
