"""Time-to-event endpoints: `mappings/<trial>/endpoints.toml`, and what it concludes of a subject.

Event or censored is told only where the dates decide it; a partial date stays partial, and then
there is no number of days. Knows no statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from netfhir.errors import DeclarationError
from netfhir.fhir.dates import LocalTime
from netfhir.terminology import documents
from netfhir.trial.derived import Endpoint
from netfhir.trial.entities import Link, MeasurementStatus
from netfhir.trial.places import Declared
from netfhir.trial.schedule import timing
from netfhir.trial.schedule.anchoring import anchor_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.declaration import Trial
    from netfhir.trial.schedule.days import Days
    from netfhir.trial.schedule.language import ScheduleFile
    from netfhir.trial.schedule.occurrences import Course, Occurrence


class Definition(Declared):
    """One endpoint."""

    title: str
    rule: str
    """The definition in words."""
    text: str
    """The record's sentence that names the endpoint, verbatim."""
    reason: str
    """Why it is defined so, where the record does not say."""
    events: tuple[str, ...] = Field(min_length=1)
    """The activities of which the first is the event."""
    competing: tuple[str, ...] = ()
    """Activities that are no event, and may hinder one."""
    assessed: tuple[str, ...] = Field(min_length=1)
    """The activities at whose last one a subject without an event is censored."""


class EndpointsFile(Declared):
    """`endpoints.toml`."""

    version: str
    origin: str
    """The activity from which time is counted."""
    event_status: MeasurementStatus
    censored_status: MeasurementStatus
    endpoints: dict[str, Definition] = Field(default_factory=dict)

    def unknown(self, schedule: ScheduleFile) -> Iterator[tuple[str, str]]:
        """Yield place and name of activities that the schedule does not have."""
        if self.origin not in schedule.activities:
            yield "origin", self.origin
        for name, one in self.endpoints.items():
            for activity in (*one.events, *one.competing, *one.assessed):
                if activity not in schedule.activities:
                    yield f"endpoints.{name}", activity


def load(trial: Trial, schedule: ScheduleFile) -> EndpointsFile | None:
    """Return the endpoints of a trial, None if it declares none; raises DeclarationError."""
    where = f"{trial.name}/endpoints.toml"
    if not any((folder / where).is_file() for folder in trial.folders):
        return None
    try:
        found = EndpointsFile.model_validate(documents.read(trial.folders, where))
    except ValidationError as error:
        raise documents.invalid(error, where) from error
    for place, name in found.unknown(schedule):
        raise DeclarationError(
            "unknown-key",
            where=f"{where}:{place}",
            found=f"`{name}`",
            expected="an activity of schedule.toml: " + ", ".join(schedule.activities),
        )
    return found


def endpoints(file: EndpointsFile, schedule: ScheduleFile, course: Course) -> Iterator[Endpoint]:
    """Yield every endpoint of a randomised subject; nothing of anybody else."""
    if course.key is None or not course.found.get(file.origin):
        return
    for name, definition in file.endpoints.items():
        yield _Reading(file, schedule, course, name, definition, course.key).endpoint()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One endpoint of one subject."""

    file: EndpointsFile
    schedule: ScheduleFile
    course: Course
    name: str
    definition: Definition
    subject: SourceKey

    def endpoint(self) -> Endpoint:
        origin = anchor_of(self.course, self.file.origin)
        if isinstance(origin, str):
            title = self.schedule.activities[self.file.origin].title
            return self._unknown(f"{title}: {origin}")
        for name in self.definition.events:
            if not self.schedule.activities[name].places:
                return self._unknown(
                    f"{self.schedule.activities[name].title}: no export records it"
                )
        events = self._found(self.definition.events)
        if any(one.days is None for one in events):
            return self._unknown("the day of an event is not on record")
        if events:
            return self._of(origin, events, timing.first_of(_days(events)))
        seen = [one for one in self._found(self.definition.assessed) if one.days is not None]
        after = [one for one in seen if one.days is not None and one.days.lo >= origin.hi]
        if not after:
            return self._unknown("no event, and no assessment certainly after the origin")
        return self._of(origin, after, timing.last_of(_days(seen)), event=False)

    def _found(self, names: Iterable[str]) -> list[Occurrence]:
        return [one for name in names for one in self.course.found.get(name, [])]

    def _of(
        self, origin: Days, found: list[Occurrence], when: Days | None, *, event: bool = True
    ) -> Endpoint:
        if when is None or timing.in_order(origin, when) is False:
            return self._unknown("an event before the origin")
        at = [one for one in found if one.days == when]
        told = at[0].when if at else (LocalTime(when.lo.isoformat()) if when.exact else None)
        exact = origin.exact and when.exact
        kinds = {one.activity for one in at}
        certain = len(kinds) == 1 and (when.exact or len(found) == 1)
        file = self.file
        return self._blank(
            status=file.event_status if event else file.censored_status,
            outcome="event" if event else "censored",
            event=self.schedule.activities[at[0].activity].title if event and certain else "",
            competing=self._competing(when),
            reason="" if exact else "a partial date: no number of days",
            when=told,
            days=(when.lo - origin.lo).days if exact else None,
            links=tuple(
                Link(element="derivedFrom", to=one.entity, key=one.key) for one in at if one.refer
            ),
        )

    def _competing(self, when: Days) -> str:
        """Return what certainly came before the event or the end of observation."""
        before = [
            self.schedule.activities[one.activity].title
            for one in self._found(self.definition.competing)
            if one.days is not None and timing.in_order(one.days, when)
        ]
        return "; ".join(dict.fromkeys(before))

    def _unknown(self, why: str) -> Endpoint:
        return self._blank(status=self.file.censored_status, outcome=None, reason=why)

    def _blank(self, **told: object) -> Endpoint:
        return Endpoint.model_validate(
            {
                "key": self.subject._replace(form="endpoint", item=self.name),
                "origin": self.course.origin,
                "subject": self.course.subject,
                "zone": self.course.zone,
                "endpoint": self.name,
                "title": self.definition.title,
                "version": self.file.version,
                **told,
            }
        )


def _days(found: Iterable[Occurrence]) -> list[Days]:
    return [one.days for one in found if one.days is not None]
