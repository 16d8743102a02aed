"""A trial's schedule of activities as it is published: per arm, what is due how long after what.

Offsets from one anchor with one window are one visit. Knows no subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from netfhir.terminology.concepts import Concept
from netfhir.trial.schedule.language import ScheduleFile
from netfhir.trial.schedule.windows import Due, due

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.trial.declaration import Trial
    from netfhir.trial.schedule.gathering import Activity
    from netfhir.trial.schedule.language import Count, Window


class Published(BaseModel):
    """The schedule, its arms by key, and the concepts of its activities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedule: ScheduleFile
    arms: dict[str, str]
    concepts: dict[str, Concept]

    def activities(self) -> Iterator[tuple[str, Activity]]:
        """Yield the activities that are part of what is published."""
        for name, activity in self.schedule.activities.items():
            if activity.kind:
                yield name, activity

    def windows(self, arm: str) -> Iterator[tuple[str, Window]]:
        """Yield the rules with a window that are for an arm."""
        for name, rule in self.schedule.windows.items():
            if not rule.arms or arm in rule.arms:
                yield name, rule

    def counts(self, arm: str) -> Iterator[tuple[str, Count]]:
        """Yield the rules with a number that are for an arm."""
        for name, rule in self.schedule.counts.items():
            if not rule.arms or arm in rule.arms:
                yield name, rule

    def anchors(self, arm: str) -> list[str]:
        """Return the anchors of an arm that no window of it plans, in the file's order."""
        planned = {rule.activity for _, rule in self.windows(arm) if len(rule.at) == 1}
        used = {rule.anchor for _, rule in self.windows(arm)}
        used |= {rule.anchor for _, rule in self.counts(arm)}
        return [name for name in self.schedule.activities if name in used - planned]

    def visits(self, arm: str) -> list[Visit]:
        """Return what is planned for an arm, in the order of the file's first mention."""
        visits: dict[tuple[object, ...], Visit] = {}
        anchors = {rule.anchor for _, rule in self.windows(arm)}
        for name, rule in self.windows(arm):
            for one in due(name, rule, self.schedule.calendar.month_end):
                alone = rule.activity if rule.activity in anchors and len(rule.at) == 1 else ""
                place = (rule.anchor, one.at, one.window, alone)
                visit = visits.setdefault(
                    place, Visit(rule.anchor, one, alone or one.rule.replace("/", "."), [])
                )
                visit.rules.append(rule)
        return list(visits.values())


@dataclass(frozen=True, slots=True)
class Visit:
    """What is due together: the anchor, the offset with its window, and the rules."""

    anchor: str
    due: Due
    id: str
    rules: list[Window]


def published(trial: Trial, schedule: ScheduleFile) -> Published:
    """Return a trial's schedule with the names of its arms and the concepts it uses."""
    where = f"{trial.name}/schedule.toml:activities"
    concepts = {
        name: trial.terminology.concept(one.concept, where=f"{where}.{name}.concept")
        for name, one in schedule.activities.items()
        if one.concept
    }
    arms = {key: arm.name for key, arm in trial.file.arms.items()}
    return Published(schedule=schedule, arms=arms, concepts=concepts)
