"""A questionnaire filled in: QuestionnaireResponse, of numbers alone.

Neither the words of an item nor those of an answer are written: they are licensed. An answer is a
code of the instrument's own scale, or a number where the item asks for one.
Source: FHIR R4 QuestionnaireResponse; mapping table 2, quality of life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir import extensions
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.outcomes import Answer, QuestionnaireResponse

EMITS: Final = ("QuestionnaireResponse",)
#: What a reference to the entity leads to.
RESOURCE: Final = "QuestionnaireResponse"


def drafts(entity: QuestionnaireResponse, site: MappingSite) -> Iterator[Draft]:
    """Yield one QuestionnaireResponse."""
    body = site.event("QuestionnaireResponse", entity)
    system = f"{site.trial.codes.system}/{entity.instrument}"
    body["questionnaire"] = entity.questionnaire
    body["status"] = entity.status
    body |= moment("authored", entity.authored, entity.zone)
    body["item"] = [_item(answer, system, site) for answer in entity.answers]
    yield Draft("QuestionnaireResponse", body["id"], body, entity.origin, entity.subject)


def _item(answer: Answer, system: str, site: MappingSite) -> Json:
    if answer.value is None:
        reason = site.concept(answer.absent or "absent-unknown").coding[0].code
        return {"linkId": answer.link, **extensions.absent(reason)}
    if answer.coded:
        value: Json = {"valueCoding": {"system": system, "code": str(answer.value)}}
    else:
        value = {"valueInteger": answer.value}
    return {"linkId": answer.link, "answer": [value]}
