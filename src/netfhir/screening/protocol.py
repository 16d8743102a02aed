"""One screening, as every engine is told of it: criteria, concept sets, the site and the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from netfhir.errors import DeclarationError
from netfhir.screening import concept_sets, criteria
from netfhir.screening.needs import Facts, Need, Presence, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.screening.concept_sets import ConceptSets
    from netfhir.screening.criteria import CriteriaFile
    from netfhir.trial.declaration import Screening, Trial


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is asked of whom, on which day."""

    trial: str
    file: CriteriaFile
    sets: ConceptSets
    site: Screening
    as_of: date

    def entry(self) -> str:
        """Return the criterion without whose evidence nobody is ranked."""
        return self.site.entry_criterion


def load(trial: Trial, as_of: date) -> Protocol:
    """Return the screening of a trial; raises DeclarationError where it is not sound."""
    if trial.file.screening is None:
        raise DeclarationError(
            "no-screening",
            where=f"{trial.name}/trial.toml:screening",
            found="no table [screening]",
            expected='`consent = "opt-in"` or `"opt-out"`, and `entry_criterion`',
            remedy="declare whether a patient has to agree before the record is screened",
        )
    file = criteria.load(trial.name, trial.folders)
    sets = concept_sets.load(trial.folders, trial.terminology)
    protocol = Protocol(trial.name, file, sets, trial.file.screening, as_of)
    for error in findings(protocol):
        raise error
    return protocol


def problems(trial: Trial) -> Iterator[DeclarationError]:
    """Yield what is wrong with the screening of a trial, if it declares one."""
    if trial.file.screening is None:
        return
    try:
        load(trial, date.min)
    except DeclarationError as error:
        yield error


def findings(protocol: Protocol) -> Iterator[DeclarationError]:
    """Yield what does not fit together: names of sets, units, the entry criterion."""
    where = f"{protocol.trial}/criteria.toml"
    if protocol.entry() not in protocol.file.criteria:
        yield DeclarationError(
            "unknown-key",
            where=f"{protocol.trial}/trial.toml:screening.entry_criterion",
            found=f"`{protocol.entry()}`",
            expected="a criterion of criteria.toml",
        )
    window = protocol.file.treatment_window
    if window is not None:
        yield from protocol.sets.unknown([window.anchor], f"{where}:treatment_window.anchor")
    for key, criterion in protocol.file.criteria.items():
        for name, need in criterion.needs.items():
            place = f"{where}:criteria.{key}.needs.{name}"
            yield from protocol.sets.unknown(_sets(need), place)
            if isinstance(need, Value):
                yield from _comparable(protocol, need, place)


def _sets(need: Need) -> list[str]:
    named = [need.document.concept] if need.document else []
    if isinstance(need, Facts):
        named += need.concepts
        named += [need.window.anchor] if need.window else []
    if isinstance(need, Presence):
        named += need.against
    return named


def _comparable(protocol: Protocol, need: Value, where: str) -> Iterator[DeclarationError]:
    """Yield where a score is compared in units, or a quantity as `1`."""
    for name in need.concepts:
        one = protocol.sets.sets.get(name)
        if one and need.thresholds and one.unitless != ("1" in need.thresholds):
            yield DeclarationError(
                "unit-of-another-kind",
                where=f"{where}.thresholds",
                found=f"units {', '.join(need.thresholds)} for {name}",
                expected="`1` for a score or class, units for a quantity",
                remedy="correct the thresholds, or `unitless` of the concept set",
            )
