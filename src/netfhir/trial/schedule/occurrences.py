"""What took place, as the rules need it: small records gathered from the trial's facts.

A subject's course is kept whole in memory, the facts are not: an occurrence holds its activity,
its days, and the names of the fact it came from.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.dates import LocalTime, minutes_between
from netfhir.trial.entities import Amount, Subject
from netfhir.trial.schedule.days import Days, days_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.entities import Entity
    from netfhir.trial.schedule.gathering import Activity, Place


KEY: Final = "key."
"""What stands before the name of a part of a fact's key."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that took place, or that is said not to have."""

    activity: str
    key: SourceKey
    entity: str
    origin: str
    when: LocalTime | None
    amount: Amount | None = None
    minutes: int | None = None
    label: str = ""
    told: str = ""
    refer: bool = True
    links: tuple[SourceKey, ...] = ()
    """The facts that this one refers to."""

    @property
    def days(self) -> Days | None:
        """Return the days on which it may have been; None where the source does not say."""
        return days_of(self.when) if self.when else None


@dataclass(slots=True)
class Course:
    """One subject's way through the trial."""

    subject: str
    zone: str | None = None
    arm: str | None = None
    """The arm that was drawn: it decides what is due."""
    found: dict[str, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    not_done: dict[str, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    key: SourceKey | None = None
    """The key of the subject's own record."""
    origin: str = ""
    """Where that record stands."""


@dataclass(slots=True)
class Courses:
    """The courses of all subjects, filled fact by fact."""

    activities: Mapping[str, Activity]
    by_subject: dict[str, Course] = field(default_factory=dict)
    _places: dict[str, list[tuple[str, Place, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        """Sort the places by the entity in which they look."""
        for name, activity in self.activities.items():
            for place in activity.places:
                self._places[place.entity].append((name, place, True))
            for place in activity.not_done:
                self._places[place.entity].append((name, place, False))

    def take(self, name: str, entity: Entity) -> None:
        """Keep of a fact what the rules need."""
        course = self.by_subject.setdefault(entity.subject, Course(entity.subject, entity.zone))
        if isinstance(entity, Subject):
            course.arm, course.key, course.origin = entity.arm, entity.key, entity.origin
        for activity, place, done in self._places.get(name, ()):
            kept = course.found if done else course.not_done
            kept[activity] += occurrences(activity, place, entity)


def occurrences(activity: str, place: Place, entity: Entity) -> Iterator[Occurrence]:
    """Yield what a fact says took place; nothing where a condition is not met."""
    parts: Any = getattr(entity, place.each) if place.each else (entity,)
    for part in parts:
        if _fits(part, place, entity):
            yield _occurrence(activity, place, entity, part)


def _fits(part: object, place: Place, entity: Entity) -> bool:
    return all(str(_of(name, part, entity)) in wanted for name, wanted in place.where.items())


def _of(name: str, part: object, entity: Entity) -> object:
    """Return an attribute, or a part of the fact's key."""
    of_key = name.removeprefix(KEY)
    return getattr(entity.key, of_key) if of_key != name else getattr(part, name)


def _occurrence(activity: str, place: Place, entity: Entity, part: object) -> Occurrence:
    when: LocalTime | None = getattr(part, place.when)
    until: LocalTime | None = getattr(part, place.until) if place.until else None
    return Occurrence(
        activity,
        entity.key,
        place.entity,
        entity.origin,
        LocalTime(when.date) if when else None,
        amount=getattr(part, place.amount) if place.amount else None,
        minutes=minutes_between(when, until, entity.zone) if when and until else None,
        label=str(_of(place.label, part, entity)),
        told=str(_of(place.told, part, entity)) if place.told else "",
        refer=place.refer,
        links=tuple(link.key for link in entity.links),
    )
