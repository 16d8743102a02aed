"""What a study's protocol prescribes: PlanDefinition, an action an arm, and ActivityDefinitions.

An arm to which the record assigns no intervention has no activity: none is invented for standard of
care. A dose is one that the trial declares, never one read out of prose. The definitions of a study
that has ended are retired, so that none is ordered from.
Source: mapping table 1, arms and interventions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.mappers.study_parts import StudySite, present
from netfhir.terminology.concepts import UCUM
from netfhir.trial.study_design import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.study_design import Arm, Dosage, Intervention


def definitions(site: StudySite) -> Iterator[Draft]:
    """Yield an ActivityDefinition an intervention, then the PlanDefinition that orders them."""
    for one in site.study.interventions:
        yield site.draft(_activity(one, site), "armsInterventionsModule.interventions")
    if is_planned(site):
        yield site.draft(_plan(site), "armsInterventionsModule.armGroups")


def is_planned(site: StudySite) -> bool:
    """Say whether the record has arms or interventions."""
    return bool(site.study.arms or site.study.interventions)


def plan_key(site: StudySite) -> SourceKey:
    """Return the key of the protocol."""
    return site.naming.key(form="protocol")


def focus(site: StudySite) -> list[Json]:
    """Return what is studied: each intervention, with its declared codes."""
    return [concept(one) for one in site.study.interventions]


def concept(one: Intervention) -> Json:
    """Return an intervention in the record's name, with its declared codes."""
    return one.concept.codeable(text=one.name) if one.concept else {"text": one.name}


def _activity_key(one: Intervention, site: StudySite) -> SourceKey:
    return site.naming.key(form="intervention", item=f"{one.kind} {one.name}".strip())


def _url(resource_type: str, key: SourceKey, site: StudySite) -> str:
    return f"{site.naming.base}/{resource_type}/{site.naming.id(key)}"


def _start(resource_type: str, key: SourceKey, site: StudySite) -> Json:
    status = site.terms.element("Status", site.status, "publication")
    body = site.start(resource_type, key)
    return body | {"url": _url(resource_type, key, site), "status": status}


def _activity(one: Intervention, site: StudySite) -> Json:
    kind = site.terms.element("InterventionType", one.kind, "kind")
    drug = kind == "MedicationRequest"
    return present(
        _start("ActivityDefinition", _activity_key(one, site), site),
        title=one.name,
        kind=kind,
        productCodeableConcept=concept(one) if drug else None,
        code=None if drug else concept(one),
        topic=[site.terms.codeable("InterventionType", one.kind)] if one.kind else [],
        description=one.description,
        usage="Other names: " + "; ".join(one.other_names) if one.other_names else "",
        dosage=[_dosage(one.dosage)] if one.dosage else [],
    )


def _plan(site: StudySite) -> Json:
    study = site.study
    in_no_arm = [one for one in study.interventions if not any(map(one.is_part_of, study.arms))]
    return present(
        _start("PlanDefinition", plan_key(site), site),
        title=study.titles.brief or study.titles.official,
        type=site.terms.codeable("Plan", "PROTOCOL"),
        action=[
            *(_arm_action(arm, site) for arm in study.arms),
            *(_activity_action(one, site) for one in in_no_arm),
        ],
    )


def _arm_action(arm: Arm, site: StudySite) -> Json:
    given = [one for one in site.study.interventions if one.is_part_of(arm)]
    return present(
        {"title": arm.name},
        description=unescaped(arm.description),
        action=[_activity_action(one, site) for one in given],
    )


def _activity_action(one: Intervention, site: StudySite) -> Json:
    url = _url("ActivityDefinition", _activity_key(one, site), site)
    return {"title": one.name, "definitionCanonical": url}


def _dosage(dosage: Dosage) -> Json:
    dose = _quantity(dosage.amount, dosage.unit)
    amount: dict[str, Any] = {"doseQuantity": dose}
    if dosage.minutes is not None:
        over = _quantity(dosage.minutes, "min")
        amount["rateRatio"] = {"numerator": dict(dose), "denominator": over}
    return present(
        {"text": dosage.text},
        timing=_timing(dosage),
        route=dosage.route.codeable() if dosage.route else None,
        doseAndRate=[amount],
    )


def _timing(dosage: Dosage) -> Json | None:
    if dosage.interval is None:
        return None
    repeat: Json = {"frequency": 1, "period": dosage.interval, "periodUnit": dosage.interval_unit}
    repeat = present(repeat, count=dosage.count, periodMax=dosage.interval_max)
    return {"repeat": repeat}


def _quantity(value: Decimal, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
