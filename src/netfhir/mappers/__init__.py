"""Entities to FHIR resources: one module an entity, named as in a declaration.

Each module has EMITS, the resource types that it yields, and `drafts(entity, site)`. Mapping is
pure: the same entity and the same declaration give the same bytes.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from netfhir.fhir import extensions
from netfhir.fhir.dates import fhir_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.dates import LocalTime
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.version import Version
    from netfhir.terminology.concepts import Concept
    from netfhir.trial.declaration import Item, Trial
    from netfhir.trial.entities import Entity
    from netfhir.trial.naming import Naming

    Mapper = Callable[[Entity, "MappingSite"], Iterator[Draft]]


@dataclass(frozen=True, slots=True, eq=False)
class MappingSite:
    """What every mapper may use: the trial as declared, and how this site names things."""

    trial: Trial
    naming: Naming
    fhir: Version = "r4"
    """The version that is written: a mapper asks where R4 and R5 mean different things."""

    def study(self) -> dict[str, str]:
        """Return the reference to the trial's ResearchStudy."""
        return _study(self.naming)

    def study_of(self, site: str) -> dict[str, str]:
        """Return the reference to the study that subjects of a site belong to."""
        declared = self.trial.file.sites.get(site)
        if declared is None or declared.study is None:
            return self.study()
        return self.naming.reference("ResearchStudy", self.naming.key(form="site-study", item=site))

    def concept(self, key: str) -> Concept:
        """Return a concept that an entity names; the declaration was checked before."""
        return self.trial.terminology.concept(key, where=f"{self.trial.name}/codes.toml")

    def item(self, table: str, code: str) -> Item:
        """Return what an item of codes.toml is."""
        return self.trial.codes.items[table][code]

    def event(self, resource_type: str, entity: Entity) -> Json:
        """Return the start of a resource about a subject: its names, its study, its patient."""
        naming = self.naming
        identifier = naming.identifier(entity.key)
        body: Json = {
            "resourceType": resource_type,
            "id": naming.id(entity.key),
            "identifier": identifier if resource_type in _NAMED_ONCE else [identifier],
            _PATIENT.get(resource_type, "subject"): naming.patient(entity.subject),
        }
        if resource_type in extensions.OF_A_STUDY:
            body["extension"] = [extensions.research_study(self.study())]
        for name, reference in self.references(entity).items():
            body[name] = [*body[name], *reference] if name in body else reference
        return body

    def coded(self, table: str, key: str) -> Json:
        """Return a concept as a CodeableConcept, the trial's own code first: it always has one."""
        system = f"{self.trial.codes.system}/{table}"
        return self.concept(key).codeable({"system": system, "code": key})

    def references(self, entity: Entity) -> Json:
        """Return the elements that refer to other facts, lists where FHIR has lists."""
        found: Json = {}
        for link in entity.links:
            reference = self.naming.reference(resource_of(link.to), link.key)
            if link.element.startswith(_EXTENSION):
                name = link.element.removeprefix(_EXTENSION)
                found.setdefault("extension", []).append(extensions.referring(name, reference))
            elif link.element in _SINGLE:
                found[link.element] = reference
            else:
                found.setdefault(link.element, []).append(reference)
        return found


#: How a link names an extension: `extension.condition-related`.
_EXTENSION = "extension."
#: The types whose identifier is one in R4, not a list.
_NAMED_ONCE = frozenset({"AdverseEvent", "QuestionnaireResponse"})
#: Where the element of the patient is not `subject`.
_PATIENT = {"Consent": "patient", "Task": "for"}
#: The elements that hold one reference; the others hold several.
_SINGLE = frozenset({"consent", "context", "encounter", "specimen"})


@lru_cache(maxsize=16)
def _study(naming: Naming) -> dict[str, str]:
    return naming.reference("ResearchStudy", naming.key(form="study"))


def moment(name: str, when: LocalTime, zone: str | None) -> Json:
    """Return the element `name` with a dateTime, its time of day kept where no offset is known."""
    text = fhir_datetime(when, zone)
    element: dict[str, Any] = {name: text}
    if when.time and text == when.date:
        element[f"_{name}"] = {"extension": [extensions.local_time(when.time)]}
    return element


def period(start: LocalTime | None, end: LocalTime | None, zone: str | None) -> Json:
    """Return a Period of two instants or of two dates, with what is known of either end.

    An instant beside a date leaves their order open (per-1): then both times stand beside dates.
    """
    given = [when for when in (start, end) if when is not None]
    instants = [fhir_datetime(when, zone) != when.date for when in given]
    common = zone if all(instants) or not any(instants) else None
    found = moment("start", start, common) if start is not None else {}
    return found | (moment("end", end, common) if end is not None else {})


def mapper(entity: str) -> Mapper:
    """Return the mapper of an entity, which is its module's `drafts`."""
    found: Mapper = import_module(f"{__name__}.{entity}").drafts
    return found


@lru_cache(maxsize=64)
def resource_of(entity: str) -> str:
    """Return the resource type that a reference to an entity leads to: its mapper's RESOURCE."""
    found: str = import_module(f"{__name__}.{entity}").RESOURCE
    return found


def emitted() -> dict[str, tuple[str, ...]]:
    """Return the resource types that each mapper yields."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: module.EMITS for name, module in modules.items() if hasattr(module, "EMITS")}
