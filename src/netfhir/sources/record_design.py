"""The design of a registry record: arms, interventions, outcomes, eligibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.sources.criteria_text import criteria
from netfhir.trial.study_design import Arm, Design, Eligibility, Intervention, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.sources.record_tree import Node
    from netfhir.sources.record_values import Values

_OUTCOMES: Final = (
    ("PRIMARY", "primaryOutcomes"),
    ("SECONDARY", "secondaryOutcomes"),
    ("OTHER", "otherOutcomes"),
)


def design(protocol: Node, values: Values) -> Design:
    """Return the design; a combination of phases that has no code is remarked on."""
    module = protocol.node("designModule")
    info, enrolled = module.node("designInfo"), module.node("enrollmentInfo")
    masking = info.node("maskingInfo")
    return Design(
        study_type=values.enum(module, "studyType", "StudyType"),
        phases=_phases(module, values),
        allocation=values.enum(info, "allocation", "DesignAllocation"),
        model=values.enum(info, "interventionModel", "InterventionalAssignment"),
        observational_model=values.enum(info, "observationalModel", "ObservationalModel"),
        time_perspective=values.enum(info, "timePerspective", "DesignTimePerspective"),
        sampling=values.enum(
            protocol.node("eligibilityModule"), "samplingMethod", "SamplingMethod"
        ),
        purpose=values.enum(info, "primaryPurpose", "PrimaryPurpose"),
        masking=values.enum(masking, "masking", "DesignMasking"),
        masked=values.enums(masking, "whoMasked", "WhoMasked"),
        enrollment=enrolled.count("count"),
        enrollment_kind=values.enum(enrolled, "type", "EnrollmentType"),
    )


def _phases(module: Node, values: Values) -> tuple[str, ...]:
    phases = values.enums(module, "phases", "Phase")
    if phases and values.terms.term("Phase", "+".join(phases)) is None:
        found = f"{' with '.join(phases)}: kept as text, FHIR has no code for it"
        values.remark(module.place("phases"), "unmapped-value", found)
    return phases


def arms(nodes: Iterable[Node], values: Values) -> Iterator[Arm]:
    """Yield the arms in order; one without a name cannot be joined, and is remarked on."""
    for node in nodes:
        arm = Arm(
            name=node.text("label"),
            kind=values.enum(node, "type", "ArmGroupType"),
            description=node.text("description"),
            intervention_names=node.texts("interventionNames"),
        )
        if not arm.name:
            values.remark(node.place("label"), "unmapped-value", "an arm without a name")
            continue
        yield arm


def interventions(nodes: Iterable[Node], values: Values) -> Iterator[Intervention]:
    """Yield the interventions in order."""
    for node in nodes:
        intervention = Intervention(
            name=node.text("name"),
            kind=values.enum(node, "type", "InterventionType"),
            description=node.text("description"),
            arm_names=node.texts("armGroupLabels"),
            other_names=node.texts("otherNames"),
        )
        if not intervention.name:
            values.remark(node.place("name"), "unmapped-value", "an intervention without a name")
            continue
        yield intervention


def check_joins(
    arms: Iterable[Arm], given: Iterable[Intervention], values: Values, at: str
) -> None:
    """Remark on an arm or an intervention that the other side names and the record lacks."""
    arms, given = list(arms), list(given)
    names = {arm.name for arm in arms}
    for arm in arms:
        for label in arm.intervention_names:
            if not any(one.is_called(label) for one in given):
                values.remark(at, "unmapped-value", f"arm of an unknown intervention, `{label}`")
    for one in given:
        for name in one.arm_names:
            if name not in names:
                values.remark(at, "unmapped-value", f"intervention of an unknown arm, `{name}`")


def outcomes(module: Node) -> Iterator[Outcome]:
    """Yield the outcome measures: primary, secondary, other."""
    for level, name in _OUTCOMES:
        for node in module.nodes(name):
            yield Outcome.model_validate(
                {
                    "level": level,
                    "measure": node.text("measure"),
                    "description": node.text("description"),
                    "time_frame": node.text("timeFrame"),
                }
            )


def eligibility(node: Node, values: Values) -> Eligibility:
    """Return who may take part; an empty one if the record does not say."""
    text = node.text("eligibilityCriteria")
    found = criteria(text)
    if found and found[0].kind == "eligibility":
        why = "a text without headings: kept as one criterion"
        values.remark(node.place("eligibilityCriteria"), "lossy-value", why)
    return Eligibility(
        text=text,
        criteria=found,
        healthy_volunteers=node.flag("healthyVolunteers"),
        sex=values.enum(node, "sex", "Sex"),
        minimum_age=values.age(node, "minimumAge"),
        maximum_age=values.age(node, "maximumAge"),
    )
