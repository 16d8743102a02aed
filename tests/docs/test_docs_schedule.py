"""docs/schedule.md lists the keys of the clock's declarations, and every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from documents import ROOT, marked
from netfhir.trial.places import Declared
from netfhir.trial.schedule import endpoints, gathering, language
from netfhir.trial.schedule.verdicts import Verdict

if TYPE_CHECKING:
    from documents import Marked

TABLES = marked("docs/schedule.md", "keys")
MODELS = {
    f"{module.__name__}.{name}": kind
    for module in (language, gathering, endpoints)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Declared) and kind.__module__ == module.__name__
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.what)
def test_a_table_has_the_keys_that_are_read(table: Marked) -> None:
    """Each key with whether it is needed; a rule's table has its own keys only."""
    name, _, own = table.what.partition(" ")
    fields = {
        field.alias or key: field.is_required() for key, field in MODELS[name].model_fields.items()
    }
    if own:
        fields = {k: v for k, v in fields.items() if k not in language.Rule.model_fields}
    listed = {key.strip("` "): row[1] == "yes" for row in table.rows() for key in row[0].split(",")}
    assert listed == fields


def test_every_table_of_the_language_is_told() -> None:
    """No model is read that the page does not list."""
    assert {table.what.partition(" ")[0] for table in TABLES} == set(MODELS)


def test_every_answer_is_explained() -> None:
    """In the table of answers."""
    page = (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")
    answers = page.partition("## Answers")[2].partition("## The rules")[0]
    assert {verdict for verdict in Verdict if verdict not in answers} == set()
