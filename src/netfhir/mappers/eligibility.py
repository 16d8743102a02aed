"""Who may take part, and how many: the Groups of a study's enrollment.

A criterion is a characteristic in the record's words, its coding and its value absent because none
applies; what the trial declares of it is computable, and so are the limits of age, the sex and
healthy volunteers. Nothing is made of the sex ALL. The whole text stands in the narrative.
Source: mapping table 1, eligibility and enrolment, and table 1b.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir import extensions
from netfhir.mappers.study_parts import StudySite, present
from netfhir.terminology.concepts import UCUM
from netfhir.trial.study_design import Eligibility, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.study_design import Age, Criterion, Limit

_NO_CODING: Final = "not-applicable"


def groups(site: StudySite) -> Iterator[Draft]:
    """Yield the Group of those who may take part, then that of those who did."""
    design = site.study.design
    if is_defined(site):
        yield site.draft(_eligible(site), "eligibilityModule")
    if is_counted(site):
        body = site.start("Group", enrolled_key(site))
        body |= {"type": "person", "actual": True, "name": "Subjects enrolled"}
        yield site.draft(body | {"quantity": design.enrollment}, "designModule.enrollmentInfo")


def eligible_key(site: StudySite) -> SourceKey:
    """Return the key of those who may take part."""
    return site.naming.key(form="eligibility")


def enrolled_key(site: StudySite) -> SourceKey:
    """Return the key of those who took part."""
    return site.naming.key(form="enrolled")


def is_defined(site: StudySite) -> bool:
    """Say whether the record tells who may take part, or how many are planned."""
    return site.study.eligibility != Eligibility() or _planned(site) is not None


def is_counted(site: StudySite) -> bool:
    """Say whether the record tells how many took part."""
    return site.study.design.enrollment is not None and _counts(site) == "actualNumber"


def _counts(site: StudySite) -> str:
    return site.terms.element("EnrollmentType", site.study.design.enrollment_kind, "recruitment")


def _planned(site: StudySite) -> int | None:
    return site.study.design.enrollment if _counts(site) == "targetNumber" else None


def recruitment(site: StudySite) -> list[Json]:
    """Return the R5 recruitment of the study as an extension: the number and the groups."""
    parts: list[Json] = []
    if (name := _counts(site)) and site.study.design.enrollment is not None:
        parts.append({"url": name, "valueUnsignedInt": site.study.design.enrollment})
    if is_defined(site):
        reference = site.naming.reference("Group", eligible_key(site))
        parts.append({"url": "eligibility", "valueReference": reference})
    if is_counted(site):
        reference = site.naming.reference("Group", enrolled_key(site))
        parts.append({"url": "actualGroup", "valueReference": reference})
    return [site.extension("ResearchStudy.recruitment", *parts)] if parts else []


def enrollment(site: StudySite) -> list[dict[str, str]]:
    """Return the references to the groups."""
    keys = [eligible_key(site)] if is_defined(site) else []
    keys += [enrolled_key(site)] if is_counted(site) else []
    return [site.naming.reference("Group", key) for key in keys]


def _eligible(site: StudySite) -> Json:
    eligibility = site.study.eligibility
    body = site.start("Group", eligible_key(site))
    body |= {"type": "person", "actual": False, "name": "Eligible for the study"}
    body = present(body, quantity=_planned(site))
    return present(
        body,
        text=_narrative(eligibility.text) if eligibility.text else None,
        characteristic=list(_characteristics(eligibility, site)),
    )


def _narrative(text: str) -> Json:
    lines = [escape(line, quote=False) for line in unescaped(text).splitlines()]
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{"<br/>".join(lines)}</p></div>'
    return {"status": "additional", "div": div}


def _characteristics(eligibility: Eligibility, site: StudySite) -> Iterator[Json]:
    for criterion in eligibility.criteria:
        if not criterion.limits:
            yield _in_words(criterion)
        for limit in criterion.limits:
            yield _computable(criterion, limit)
    if limits := _ages(eligibility, site):
        age = site.terms.codeable("Characteristic", "AGE")
        yield {"code": age, "valueRange": limits, "exclude": False}
    sex = site.terms.term("Sex", eligibility.sex)
    if sex and sex.coding:
        code = site.terms.codeable("Characteristic", "SEX")
        yield {"code": code, "valueCodeableConcept": sex.codeable(), "exclude": False}
    if eligibility.healthy_volunteers is False:
        code = site.terms.codeable("Characteristic", "HEALTHY")
        yield {"code": code, "valueBoolean": True, "exclude": True}


def _in_words(criterion: Criterion) -> Json:
    absent: dict[str, Any] = extensions.absent(_NO_CODING)
    return {
        "code": absent | {"text": criterion.text},
        "valueCodeableConcept": dict(absent),
        "exclude": criterion.kind == "exclusion",
    }


def _computable(criterion: Criterion, limit: Limit) -> Json:
    """Return a limit with its code, and the criterion's words beside it."""
    code = (
        limit.concept.codeable(text=criterion.text) if limit.concept else {"text": criterion.text}
    )
    return {"code": code, **_value(limit), "exclude": criterion.kind == "exclusion"}


def _value(limit: Limit) -> Json:
    if limit.value is not None:
        return {"valueCodeableConcept": limit.value.codeable()}
    if limit.truth is not None:
        return {"valueBoolean": limit.truth}
    for comparator, amount in (("<", limit.below), (">", limit.above)):
        if amount is not None:
            return {"valueQuantity": _amount(amount, limit.unit) | {"comparator": comparator}}
    bounds = (("low", limit.low), ("high", limit.high))
    return {"valueRange": {name: _amount(at, limit.unit) for name, at in bounds if at is not None}}


def _amount(amount: Decimal, unit: str) -> Json:
    return {"value": amount, "unit": unit, "system": UCUM, "code": unit}


def _ages(eligibility: Eligibility, site: StudySite) -> Json:
    limits: Json = {}
    if eligibility.minimum_age:
        limits["low"] = _age(eligibility.minimum_age, site)
    if eligibility.maximum_age:
        limits["high"] = _age(eligibility.maximum_age, site)
    return limits


def _age(age: Age, site: StudySite) -> Json:
    code = site.terms.element("AgeUnit", age.unit, "ucum")
    unit = site.terms.codeable("AgeUnit", age.unit)["text"]
    return {"value": age.value, "unit": unit, "system": UCUM, "code": code}
