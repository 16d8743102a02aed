"""Invariants of R4's datatypes (hl7.org/fhir/R4/datatypes.html, metadatatypes.html)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from netfhir.fhir import codes, narrative
from netfhir.fhir.rules.rule import Rule, any_of, chosen, excludes, has, needs

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_MEALS = {"C", "CM", "CD", "CV"}


def _ext_1(extension: Json) -> bool:
    return has(extension, "extension") != (chosen(extension, "value") is not None)


def _moment(text: str) -> dt.datetime:
    whole, point, rest = text.replace(":60", ":59").partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    fraction = point + rest[: min(digits, 6)]
    return dt.datetime.fromisoformat(whole + fraction + rest[digits:])


def _per_1(period: Json) -> bool:
    """Compare as FHIRPath does: a start and an end that leave it open do not hold."""
    start, end = period.get("start"), period.get("end")
    if not start or not end:
        return True
    if "T" in start and "T" in end:
        return _moment(start) <= _moment(end)
    one, other = start.partition("T")[0].split("-"), end.partition("T")[0].split("-")
    shared = min(len(one), len(other))
    if one[:shared] != other[:shared]:
        return bool(one[:shared] < other[:shared])
    return len(one) == len(other) and ("T" in start) == ("T" in end)


def _rng_2(limits: Json) -> bool:
    """Compare only limits in one unit."""
    low, high = limits.get("low", {}), limits.get("high", {})
    if "value" not in low or "value" not in high:
        return True
    same = all(low.get(name) == high.get(name) for name in ("system", "code", "unit"))
    return bool(not same or low["value"] <= high["value"])


def _rat_1(ratio: Json) -> bool:
    top, bottom = has(ratio, "numerator"), has(ratio, "denominator")
    return top == bottom and (top or has(ratio, "extension"))


def _ucum_amount(amount: Json) -> bool:
    has_unit = has(amount, "code") or not has(amount, "value")
    return has_unit and amount.get("system", codes.UCUM) == codes.UCUM


def _age_1(amount: Json) -> bool:
    return _ucum_amount(amount) and amount.get("value", 1) > 0


def _cnt_3(amount: Json) -> bool:
    value = amount.get("value")
    is_whole = not isinstance(value, Decimal) or value == value.to_integral_value()
    return _ucum_amount(amount) and amount.get("code", "1") == "1" and is_whole


def _drt_1(amount: Json) -> bool:
    return amount.get("system") == codes.UCUM and has(amount, "value")


def _tim_9(repeat: Json) -> bool:
    return has(repeat, "when") and not _MEALS.intersection(repeat.get("when", ()))


def _trd_3(trigger: Json) -> bool:
    kind = trigger.get("type", "")
    if kind.startswith("data-"):
        return has(trigger, "data")
    if kind == "named-event":
        return has(trigger, "name")
    return kind != "periodic" or chosen(trigger, "timing") is not None


def _absolute(name: str) -> Rule:
    return Rule(
        lambda value: _SCHEME.match(value.get(name, "x:y")) is not None, (name,), f".{name}"
    )


def _is_uri(identifier: Json) -> bool:
    is_plain = identifier.get("system") != "urn:ietf:rfc:3986"
    return is_plain or _SCHEME.match(identifier.get("value", "")) is not None


def _is_sha1(attachment: Json) -> bool:
    data = base64.b64decode(attachment.get("data", ""))
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    return not data or base64.b64decode(attachment["hash"]) == digest


def _is_size(attachment: Json) -> bool:
    data = base64.b64decode(attachment.get("data", ""))
    return not data or attachment["size"] == len(data)


def _exactly_one(value: Json) -> bool:
    return has(value, "path") != has(value, "searchParam")


def _same_size(attachment: Json) -> bool:
    """As `_is_size`, of R5's integer64, which is text in JSON."""
    data = base64.b64decode(attachment.get("data", ""))
    return not data or attachment["size"] == str(len(data))


def rules(version: Version) -> dict[str, Rule]:
    """Return the rules of a version: the shared ones, and those that look into its tables."""
    return RULES | {
        "attachment-size": Rule(_is_size if version == "r4" else _same_size, ("size",), ".size"),
        "code-system": Rule(codes.known_coding(version), ("system",), ".code"),
        "unit-system": Rule(codes.known_unit(version), ("code",), ".code"),
    }


RULES: dict[str, Rule] = {
    "age-1": Rule(_age_1),
    "attachment-hash": Rule(_is_sha1, ("hash",), ".hash"),
    "att-1": needs("data", "contentType"),
    "canonical-url": _absolute("url"),
    "cnt-3": Rule(_cnt_3),
    "cpt-2": needs("value", "system"),
    "dis-1": Rule(_ucum_amount),
    "drq-1": Rule(_exactly_one),
    "drq-2": Rule(_exactly_one),
    "drt-1": Rule(_drt_1, ("code",)),
    "exp-1": any_of("expression", "reference"),
    "ext-1": Rule(_ext_1),
    "identifier-system": _absolute("system"),
    "identifier-value": Rule(_is_uri, ("value",), ".value"),
    "per-1": Rule(_per_1, ("end",)),
    "qty-3": needs("code", "system"),
    "rat-1": Rule(_rat_1),
    "rng-2": Rule(_rng_2, ("high",)),
    "tim-1": needs("duration", "durationUnit"),
    "tim-2": needs("period", "periodUnit"),
    "tim-4": Rule(lambda repeat: repeat.get("duration", 0) >= 0, ("duration",)),
    "tim-5": Rule(lambda repeat: repeat.get("period", 0) >= 0, ("period",)),
    "tim-6": needs("periodMax", "period"),
    "tim-7": needs("durationMax", "duration"),
    "tim-8": needs("countMax", "count"),
    "tim-9": Rule(_tim_9, ("offset",)),
    "tim-10": excludes("timeOfDay", "when"),
    "trd-1": Rule(lambda trigger: chosen(trigger, "timing") is None, ("data",)),
    "trd-2": needs("condition", "data"),
    "trd-3": Rule(_trd_3),
    "txt-1": Rule(lambda text: narrative.is_allowed(text.get("div", "")), ("div",), ".div"),
    "txt-2": Rule(lambda text: narrative.has_content(text.get("div", "")), ("div",), ".div"),
}
