"""What a trial declares of its own record: objectives, what an intervention is, its dose, names.

A record has these in prose; a person reads them and writes them down with the sentences, which must
stand in the record. A trial without such a file declares nothing.
Source: mappings/<trial>/objectives.toml, interventions.toml, people.toml,
eligibility.toml.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path  # noqa: TC003 - a dataclass field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from netfhir.errors import DeclarationError
from netfhir.terminology import documents
from netfhir.trial.declared_limits import Limits, limited
from netfhir.trial.study import PersonName, Study
from netfhir.trial.study_design import Dosage, Intervention, Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.terminology.concepts import Terminology

Model = TypeVar("Model", bound=BaseModel)


class _Dosage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: tuple[str, ...]
    amount: Decimal
    unit: str
    minutes: Decimal | None = None
    route: str = ""
    count: int | None = None
    interval: Decimal | None = None
    interval_max: Decimal | None = None
    interval_unit: Literal["h", "d", "wk", "mo", "a"] = "wk"


class _Intervention(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    concept: str
    dosage: _Dosage | None = None


class _Objectives(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: tuple[Objective, ...] = ()


def declared(study: Study, trial: str, folders: Sequence[Path], terminology: Terminology) -> Study:
    """Return the study with what `mappings/<trial>` declares of it; raises DeclarationError."""
    people = _read(folders, f"{trial}/people.toml")
    given = _read(folders, f"{trial}/interventions.toml")
    objectives = _objectives(study, folders, f"{trial}/objectives.toml")
    _all_known(people, [one.name for one in study.officials], f"{trial}/people.toml")
    _all_known(given, [one.name for one in study.interventions], f"{trial}/interventions.toml")
    where = f"{trial}/interventions.toml"
    where_limits = f"{trial}/eligibility.toml"
    limits = _model(Limits, _read(folders, where_limits), where_limits)
    return study.model_copy(
        update={
            "objectives": objectives,
            "eligibility": limited(study.eligibility, limits, terminology, where_limits),
            "officials": tuple(
                one.model_copy(
                    update={"parts": _model(PersonName, people[one.name], f"{trial}/people.toml")}
                )
                if one.name in people
                else one
                for one in study.officials
            ),
            "interventions": tuple(
                _intervention(one, given[one.name], terminology, where)
                if one.name in given
                else one
                for one in study.interventions
            ),
        }
    )


def _read(folders: Sequence[Path], name: str) -> dict[str, Any]:
    if not any((folder / name).is_file() for folder in folders):
        return {}
    return documents.read(folders, name)


def _model(model: type[Model], table: Any, where: str) -> Model:  # noqa: ANN401 - any TOML value
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise documents.invalid(error, where) from error


def _all_known(tables: dict[str, Any], names: list[str], where: str) -> None:
    for name in tables:
        if name not in names:
            raise DeclarationError(
                "unknown-name",
                where=f"{where}:{name}",
                found="a name that registry.json does not have",
                expected="one of " + ", ".join(f"`{known}`" for known in names),
            )


def _objectives(study: Study, folders: Sequence[Path], where: str) -> tuple[Objective, ...]:
    found = _model(_Objectives, _read(folders, where), where).objective
    prose = f"{study.brief_summary}\n{study.detailed_description}"
    for one in found:
        _stands(one.sentence, prose, f"{where}:{one.name}")
    return found


def _intervention(
    one: Intervention, table: dict[str, Any], terminology: Terminology, where: str
) -> Intervention:
    said = _model(_Intervention, table, f"{where}:{one.name}")
    return one.model_copy(
        update={
            "concept": terminology.concept(said.concept, where=where),
            "dosage": _dosage(said.dosage, one, terminology, where) if said.dosage else None,
        }
    )


def _dosage(said: _Dosage, one: Intervention, terminology: Terminology, where: str) -> Dosage:
    for sentence in said.sentences:
        _stands(sentence, one.description, f"{where}:{one.name}.dosage.sentences")
    terminology.unit(said.unit, where=f"{where}:{one.name}.dosage.unit")
    route = terminology.concept(said.route, where=where) if said.route else None
    parts = said.model_dump(exclude={"sentences", "route"})
    return Dosage(text=" ".join(said.sentences), route=route, **parts)


def _stands(sentence: str, prose: str, where: str) -> None:
    if sentence not in prose:
        raise DeclarationError(
            "not-in-the-record",
            where=where,
            found="a sentence that registry.json does not have there",
            expected="the record's own words, verbatim",
            remedy="copy the sentence from registry.json",
        )
