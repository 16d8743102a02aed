"""Between the facts and their end: what the trial's own rules conclude from them.

Only a trial with a schedule.toml has such rules. Of each mapped fact the few small fields that the
rules read are kept; nothing is concluded of a fact that was rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from netfhir.trial.schedule import declared, endpoints, evaluation
from netfhir.trial.schedule.deviations import deviations
from netfhir.trial.schedule.occurrences import Courses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.trial.declaration import Trial
    from netfhir.trial.entities import Entity
    from netfhir.trial.schedule.endpoints import EndpointsFile
    from netfhir.trial.schedule.language import ScheduleFile


@dataclass(frozen=True, slots=True)
class Deriving:
    """Keeps what the rules need, then tells what they conclude."""

    schedule: ScheduleFile | None
    file: EndpointsFile | None
    courses: Courses
    as_of: date | None

    @classmethod
    def of(cls, trial: Trial, as_of: date | None) -> Deriving:
        """Return what derives the facts of a trial, which may declare nothing to derive."""
        schedule = declared.load(trial)
        file = endpoints.load(trial, schedule) if schedule else None
        return cls(schedule, file, Courses(schedule.activities if schedule else {}), as_of)

    def take(self, name: str, fact: Entity) -> None:
        """Keep of a mapped fact what the rules need."""
        if self.schedule is not None:
            self.courses.take(name, fact)

    def facts(self) -> Iterator[tuple[str, Entity]]:
        """Yield entity name and fact of all that follows, subject by subject.

        Without a day nothing is missing: what is not on record may be typed in tomorrow.
        """
        if self.schedule is None:
            return
        day = self.as_of or date.min
        for course in self.courses.by_subject.values():
            answers = evaluation.answers(self.schedule, course, day)
            for deviation in deviations(self.schedule, course, answers):
                yield "deviation", deviation
            if self.file is not None:
                for endpoint in endpoints.endpoints(self.file, self.schedule, course):
                    yield "endpoint", endpoint
