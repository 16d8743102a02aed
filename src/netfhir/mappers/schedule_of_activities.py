"""The schedule of activities: a PlanDefinition an arm, an ActivityDefinition an activity.

An action is due some time after the end of its anchor; the offset is the target, and the extension
of the Vulcan guide holds the range, absolute from the anchor as the guide has it, not around the
target. A range of months and days together has no Quantity: it stands in the description alone.
Source: HL7 Vulcan Schedule of Activities 1.0.0 (R4); FHIR R4 PlanDefinition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.fhir import extensions
from netfhir.mappers.study_parts import StudySite, present
from netfhir.terminology.concepts import UCUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.naming import Naming
    from netfhir.trial.schedule.days import Offset
    from netfhir.trial.schedule.language import Count, Rule
    from netfhir.trial.schedule.planned import Published, Visit

_NOW = (0, 0)


def definitions(site: StudySite) -> Iterator[Draft]:
    """Yield the activities, then a plan an arm; nothing of a study without a schedule."""
    planned = site.study.schedule
    if planned is None:
        return
    for name, _ in planned.activities():
        yield site.draft(_activity(name, planned, site), "descriptionModule")
    for arm in planned.arms:
        yield site.draft(_plan(arm, planned, site), "descriptionModule")


def references(site: StudySite) -> list[dict[str, str]]:
    """Return the references to the plans, by arm."""
    arms = site.study.schedule.arms if site.study.schedule else ()
    return [site.naming.reference("PlanDefinition", _plan_key(arm, site)) for arm in arms]


def canonical(arm: str, version: str, naming: Naming) -> str:
    """Return the canonical of an arm's plan, with its version."""
    key = naming.key(form="schedule", item=arm)
    return f"{naming.base}/PlanDefinition/{naming.id(key)}|{version}"


def _plan_key(arm: str, site: StudySite) -> SourceKey:
    return site.naming.key(form="schedule", item=arm)


def _activity_key(name: str, site: StudySite) -> SourceKey:
    return site.naming.key(form="activity", item=name)


def _url(resource_type: str, key: SourceKey, site: StudySite) -> str:
    return f"{site.naming.base}/{resource_type}/{site.naming.id(key)}"


def _start(resource_type: str, key: SourceKey, planned: Published, site: StudySite) -> Json:
    return present(
        site.start(resource_type, key),
        url=_url(resource_type, key, site),
        version=planned.schedule.version,
        status=site.terms.element("Status", site.status, "publication"),
    )


def _activity(name: str, planned: Published, site: StudySite) -> Json:
    activity = planned.schedule.activities[name]
    concept = planned.concepts.get(name)
    code = concept.codeable(text=activity.title) if concept else {"text": activity.title}
    drug = activity.kind == "MedicationRequest"
    return present(
        _start("ActivityDefinition", _activity_key(name, site), planned, site),
        title=activity.title,
        kind=activity.kind,
        productCodeableConcept=code if drug else None,
        code=None if drug else code,
    )


def _plan(arm: str, planned: Published, site: StudySite) -> Json:
    return present(
        _start("PlanDefinition", _plan_key(arm, site), planned, site),
        title=f"Schedule of activities: {planned.arms[arm]}",
        type=site.terms.codeable("Plan", "PROTOCOL"),
        description=planned.schedule.protocol,
        action=[
            *(_anchor(name, planned, site) for name in planned.anchors(arm)),
            *(_visit(visit, planned, site) for visit in planned.visits(arm)),
            *(_counted(name, rule, planned, site) for name, rule in planned.counts(arm)),
        ],
    )


def _anchor(name: str, planned: Published, site: StudySite) -> Json:
    return {"id": name, **_performed(name, planned, site)}


def _performed(name: str, planned: Published, site: StudySite) -> Json:
    activity = planned.schedule.activities[name]
    url = _url("ActivityDefinition", _activity_key(name, site), site) if activity.kind else ""
    return present({"title": activity.title}, definitionCanonical=url)


def _visit(visit: Visit, planned: Published, site: StudySite) -> Json:
    first = visit.rules[0]
    names = dict.fromkeys(rule.activity for rule in visit.rules)
    parts = [_performed(name, planned, site) for name in names]
    related = {"relatedAction": [_related(visit)]}
    if len(parts) == 1:
        said = {"title": visit.due.title, "description": _words(first)}
        return {"id": visit.id, **parts[0], **said, **related}
    title = f"{visit.due.at} after {planned.schedule.activities[visit.anchor].title}"
    words = "\n\n".join(dict.fromkeys(_words(rule) for rule in visit.rules))
    return {"id": visit.id, "title": title, "description": words, **related, "action": parts}


def _words(rule: Rule) -> str:
    return f"{rule.text}\n\nDeclared: {rule.reason}" if rule.reason else rule.text


def _related(visit: Visit) -> Json:
    at, window = visit.due.at, visit.due.window
    related: Json = {"actionId": visit.anchor}
    if at == _NOW:
        before = window.earliest is None and window.latest == _NOW
        return related | {"relationship": "before-start" if before else "concurrent"}
    bounds = (window.earliest, window.latest)
    if all(one is not None and one.in_one_unit for one in bounds):
        limits = {
            name: _duration(one)
            for name, one in zip(("low", "high"), bounds, strict=True)
            if one is not None
        }
        related["extension"] = [extensions.acceptable_offset_range(limits)]
    return related | {"relationship": "after-end", "offsetDuration": _duration(at)}


def _duration(offset: Offset) -> Json:
    count, unit = offset.in_one_unit or (0, "d")
    return {"value": count, "unit": unit, "system": UCUM, "code": unit}


def _counted(name: str, rule: Count, planned: Published, site: StudySite) -> Json:
    related = {"actionId": rule.anchor, "relationship": "after-end"}
    return {
        "id": name,
        **_performed(rule.activity, planned, site),
        "title": rule.title,
        "description": _words(rule),
        "relatedAction": [related],
        "timingTiming": {"repeat": {"count": rule.expected}},
    }
