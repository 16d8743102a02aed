"""The invariants of FHIR's types, by key, with the words of the specification.

A rule is asked of the element that carries it, and only of resources whose structure holds, so
that it can trust kinds and names. `UNASKED` lists the invariants that need no rule, with reasons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netfhir.fhir import tables
from netfhir.fhir.rules import bundle, clinical, datatypes, questionnaire, r5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.rules.rule import Rule
    from netfhir.fhir.version import Version

RULES: dict[Version, dict[str, Rule]] = {
    "r4": {
        **datatypes.rules("r4"),
        **clinical.RULES,
        **bundle.RULES,
        **questionnaire.RULES,
    },
    "r5": {
        **datatypes.rules("r5"),
        **clinical.RULES,
        **r5.RULES,
    },
}

#: Rules of ours, hung on every element of a type. They are named for what they find.
TYPE_RULES: dict[str, tuple[str, ...]] = {
    "Coding": ("code-system",),
    "Quantity": ("unit-system",),
    "SimpleQuantity": ("unit-system",),
    "Age": ("unit-system",),
    "Count": ("unit-system",),
    "Distance": ("unit-system",),
    "Duration": ("unit-system",),
    "Identifier": ("identifier-system", "identifier-value"),
    "Attachment": ("attachment-hash", "attachment-size"),
    "ActivityDefinition": ("canonical-url",),
    "Library": ("canonical-url",),
    "PlanDefinition": ("canonical-url",),
    "Questionnaire": ("canonical-url",),
}
#: A rule of ours that goes where one of the specification goes.
_BESIDE = {"dom-3": "contained-id", "bdl-3": "entry-url", "bdl-8": "full-url"}

_OURS = {
    "attachment-hash": "the SHA-1 of the data",
    "attachment-size": "the number of bytes of the data",
    "canonical-url": "an absolute URL",
    "code-system": "a code that its system has, the system an absolute URI",
    "contained-id": "an id of its own for each contained resource",
    "unit-system": "a unit that its system has (UCUM), the system an absolute URI",
    "entry-url": "a fullUrl for every entry, outside transactions and batches",
    "full-url": "an absolute URL; one that looks like a server's ends in the resource's Type/id",
    "identifier-system": "an absolute URI",
    "identifier-value": "a full URI, as its system says",
}

#: Invariants that no rule stands for, and why.
UNASKED = {
    "ele-1": "the walk asks it of every element",
    "ref-1": "every reference is resolved against the contained resources: `references`",
    "ppc-2": "its expression asks for a coding of system `something`: it never fails",
    "ppc-3": "as ppc-2",
    "ppc-4": "as ppc-2",
    "ppc-5": "as ppc-2",
    "dgr-1": "R5: about observations of a Composition, which is never written",
    "obs-9": "R5: about members of another resource, which is not at hand",
    "prov-2": "R5: about a role's practitioner, which is another resource",
    "prov-3": "R5: about a role's organization, which is another resource",
    "tsk-1": "R5: about Task.restriction, which is never written",
    "sqty-1": "the table of SimpleQuantity has no comparator, so it is an unknown element",
}


class Check(NamedTuple):
    """What is asked of a complex element, and the finding if it does not hold."""

    rule: str
    holds: Callable[[Json], bool]
    expected: str
    when: tuple[str, ...] = ()
    """The names of the table whose presence makes it matter; none: always."""
    at: str = ""
    """The child that the finding names."""


def checks_of(version: Version, keys: Iterable[str], type_name: str) -> list[Check]:
    """Return what to ask of an element with these invariants and this type."""
    found = []
    listed = [*keys, *TYPE_RULES.get(type_name, ())]
    for key in (*listed, *(_BESIDE[key] for key in listed if key in _BESIDE)):
        rule = RULES[version].get(key)
        if rule is not None:
            words = _OURS.get(key) or tables.read(version, "invariants")[key]
            found.append(Check(key, rule.holds, words, rule.when, rule.at))
    return found
