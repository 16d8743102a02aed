"""Reads `schedule.toml` and holds it against the trial: arms, entities, attributes, sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

from netfhir.errors import DeclarationError
from netfhir.fhir.identity import SourceKey
from netfhir.terminology import documents
from netfhir.trial.entities import Entity
from netfhir.trial.schedule.language import ScheduleFile
from netfhir.trial.schedule.occurrences import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.trial.declaration import Trial
    from netfhir.trial.schedule.gathering import Place

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def load(trial: Trial) -> ScheduleFile | None:
    """Return the schedule of a trial, None if it declares none; raises DeclarationError."""
    where = f"{trial.name}/schedule.toml"
    if not any((folder / where).is_file() for folder in trial.folders):
        return None
    try:
        return ScheduleFile.model_validate(documents.read(trial.folders, where))
    except ValidationError as error:
        raise documents.invalid(error, where) from error


def needed(trial: Trial) -> ScheduleFile:
    """Return the schedule of a trial that has to have one."""
    found = load(trial)
    if found is None:
        raise DeclarationError(
            "no-schedule",
            where=f"{trial.name}/schedule.toml",
            found="no such file",
            expected="the rules of the protocol's clock",
            remedy="declare them; docs/schedule.md has the language",
        )
    return found


def problems(trial: Trial, prose: str) -> Iterator[DeclarationError]:
    """Yield what does not fit: arms, concepts, entities and their attributes, sentences.

    `prose` is the registry record's text, in which every quoted sentence has to stand.
    """
    try:
        schedule = load(trial)
    except DeclarationError as error:
        yield error
        return
    if schedule is not None:
        where = f"{trial.name}/schedule.toml"
        yield from _activities(schedule, where)
        yield from _story(trial, schedule, where)
        yield from _rules(trial, schedule, prose, where)


def _activities(schedule: ScheduleFile, where: str) -> Iterator[DeclarationError]:
    known = entity_fields()
    for name, activity in schedule.activities.items():
        place = f"{where}:activities.{name}"
        for one in (*activity.places, *activity.not_done):
            yield from _place(one, known, place)


def _story(trial: Trial, schedule: ScheduleFile, where: str) -> Iterator[DeclarationError]:
    for table, items in schedule.story.items():
        known = trial.codes.items.get(table, {})
        for item in items:
            if item not in known:
                expected = f"an item of [items.{table}] in codes.toml"
                yield _unknown(f"{where}:story.{table}", item, expected)


def _place(
    place: Place, known: dict[str, dict[str, set[str]]], where: str
) -> Iterator[DeclarationError]:
    if place.entity not in known:
        yield _unknown(f"{where}.from.entity", place.entity, "one of " + ", ".join(sorted(known)))
        return
    parts = known[place.entity]
    if place.each not in parts:
        expected = "an attribute made of parts: " + ", ".join(sorted(set(parts) - {""}))
        yield _unknown(f"{where}.from.each", place.each, expected)
        return
    attributes = set(parts[place.each])
    attributes |= {f"{KEY}{part}" for part in SourceKey._fields}
    for name in (*place.where, place.when, place.until, place.amount, place.label, place.told):
        if name and name not in attributes:
            expected = "one of " + ", ".join(sorted(attributes))
            yield _unknown(f"{where}.from", name, expected)


def entity_fields() -> dict[str, dict[str, set[str]]]:
    """Return entity -> part -> attributes; the part "" is the entity itself."""
    found: dict[str, dict[str, set[str]]] = {}
    for kind in _kinds(Entity):
        name = _CAPITAL.sub("_", kind.__name__).lower()
        found[name] = {"": set(kind.model_fields)}
        for attribute, field in kind.model_fields.items():
            for part in getattr(field.annotation, "__args__", ()):
                if hasattr(part, "model_fields"):
                    found[name][attribute] = set(part.model_fields)
    return found


def _kinds(kind: type[Entity]) -> Iterator[type[Entity]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


def _rules(
    trial: Trial, schedule: ScheduleFile, prose: str, where: str
) -> Iterator[DeclarationError]:
    arms = trial.file.arms
    for place, rule in schedule.rules():
        for arm in rule.arms:
            if arm not in arms:
                yield _unknown(f"{where}:{place}.arms", arm, "one of " + ", ".join(sorted(arms)))
        if rule.text not in prose:
            yield _unsaid(f"{where}:{place}.text")
    if schedule.stops.text not in prose:
        yield _unsaid(f"{where}:stops.text")
    for name, window in schedule.windows.items():
        if window.extension and window.extension.text not in prose:
            yield _unsaid(f"{where}:windows.{name}.extension.text")


def _unsaid(where: str) -> DeclarationError:
    return DeclarationError(
        "not-in-the-record",
        where=where,
        found="a sentence that registry.json does not have",
        expected="the record's own words, verbatim",
        remedy="copy the sentence from registry.json",
    )


def _unknown(where: str, found: str, expected: str) -> DeclarationError:
    return DeclarationError("unknown-key", where=where, found=f"`{found}`", expected=expected)
