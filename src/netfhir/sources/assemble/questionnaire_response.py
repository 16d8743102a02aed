"""Questionnaires filled in: an item a field, each answer a number on its item's scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.outcomes import Answer, QuestionnaireResponse, ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.reading import Number, Reader
    from netfhir.sources.row import Row
    from netfhir.trial.outcome_sources import AnswerPlace, QuestionnaireResponseSource

_STATUSES = frozenset(get_args(ResponseStatus))


def entities(source: QuestionnaireResponseSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one QuestionnaireResponse per row of the source."""
    return each(source, assembly, lambda row: (_response(row, source, assembly),))


def _response(
    row: Row, source: QuestionnaireResponseSource, assembly: Assembly
) -> QuestionnaireResponse:
    reader = assembly.reader
    reader.required(row, source.authored)
    names = ("questionnaire_response", source.instrument)
    return QuestionnaireResponse(
        **common(row, source, assembly, names, source.authored),
        questionnaire=source.questionnaire,
        instrument=source.instrument,
        status=cast("ResponseStatus", reader.needed(row, source.status, _STATUSES)),
        authored=cast("LocalTime", reader.when(row, source.authored)),
        answers=tuple(_answer(row, place, reader) for place in source.items),
    )


def _answer(row: Row, place: AnswerPlace, reader: Reader) -> Answer:
    number = reader.number(row, place.column)
    absent = None if number else reader.absent(row, place.column) or "absent-unknown"
    return Answer(
        link=place.link,
        value=None if number is None else _on_scale(number, place, row.where(place.column)),
        coded=place.coded,
        absent=absent,
    )


def _on_scale(number: Number, place: AnswerPlace, where: str) -> int:
    whole = number.digits == number.digits.to_integral_value()
    if number.comparator is None and whole and place.least <= number.digits <= place.most:
        return int(number.digits)
    raise RecordError(
        "answer-off-its-scale",
        where=where,
        found="an answer that its item does not have",
        expected=f"a whole number from {place.least} to {place.most}",
        remedy="correct the answer in the source",
    )
