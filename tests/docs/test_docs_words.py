"""Words and declarations as the documents tell them are those of the code."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from documents import ROOT, Marked, marked, named, read
from netfhir.hospital.patients import Unresolved
from netfhir.hospital.profile import Strategy, profiles
from netfhir.runs import opening
from netfhir.settings import shipped_mappings
from netfhir.sync.records import Action, Outcome
from netfhir.trial import care_sources, declaration, export, places

MAPPING_TABLES = marked("docs/mapping.md", "keys")
REASON = re.compile(r'reason=f?"([a-z-]+)')


def _glossary() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| ([a-z ]+) \| `([^`]+)` \|", read("docs/glossary.md"), re.MULTILINE)
    assert len(rows) > 1
    return rows


def _file(name: str) -> str:
    return read(name if name.startswith("mappings/") else f"src/netfhir/{name}")


@pytest.mark.parametrize(("word", "file"), _glossary())
def test_a_word_of_the_glossary_is_used(word: str, file: str) -> None:
    """Each word stands in the file that the glossary names for it."""
    spelled = re.compile(r"[ _-]?".join(map(re.escape, word.split())), re.IGNORECASE)
    assert spelled.search(_file(file))


def test_the_glossary_has_the_words_that_matter() -> None:
    """The words that people mix up are settled, and so is each outcome and action."""
    words = {word for word, _ in _glossary()}
    assert words >= {"subject", "patient", "visit", "encounter", "dose", "fact", "draft", "gate"}
    assert words >= {"staging", "ledger", "wave", "parked", "crosswalk", "overlay", "site key"}
    assert words >= {str(outcome) for outcome in Outcome} - {"unchanged", "unsupported"}


def test_the_glossary_is_sorted() -> None:
    """Words stand in the order of the alphabet."""
    words = [word for word, _ in _glossary()]
    assert words == sorted(words)


@pytest.mark.parametrize("table", MAPPING_TABLES, ids=lambda table: table.what)
def test_every_key_of_a_declaration_is_told(table: Marked) -> None:
    """A table of docs/mapping.md has the keys of its model, and says rightly which are needed."""
    name, _, own = table.what.partition(" ")
    model = named(name)
    fields = dict(model.model_fields)
    if own:
        fields = {k: v for k, v in fields.items() if k not in places.FactSource.model_fields}
    assert {row[0]: row[1] for row in table.rows()} == {
        key: "yes" if field.is_required() else "no" for key, field in fields.items()
    }


@pytest.mark.parametrize("table", marked("docs/servers.md", "keys"), ids=lambda table: table.what)
def test_every_key_of_a_profile_is_told(table: Marked) -> None:
    """A table of docs/servers.md has the keys of its model, and says rightly which are needed."""
    fields = dict(named(table.what).model_fields)
    fields.pop("name", None)
    assert {row[0]: row[1] for row in table.rows()} == {
        key: "yes" if field.is_required() else "no" for key, field in fields.items()
    }


def test_every_shipped_profile_is_told() -> None:
    """docs/servers.md lists each profile with what chooses it, and each strategy."""
    text = read("docs/servers.md")
    rows = dict(re.findall(r"^\| (\w+) \| (?:`(.+?)`|settings) \|", text, re.MULTILINE))
    assert rows == {name: found.matches for name, found in profiles().items()}
    assert all(f"| {strategy} |" in text for strategy in Strategy)


def test_every_table_of_a_declaration_is_told() -> None:
    """docs/mapping.md has a table for each model that a declaration is read by."""
    told = {table.what.partition(" ")[0] for table in MAPPING_TABLES}
    models = {
        f"{module.__name__}.{name}"
        for module in (care_sources, declaration, export, places)
        for name, kind in vars(module).items()
        if isinstance(kind, type)
        and issubclass(kind, places.Declared)
        and kind.__module__ == module.__name__
        and kind is not places.Declared
    }
    assert len(models) > 1
    assert models <= told


@pytest.mark.parametrize("part", marked("docs/mapping.md", "values"), ids=lambda part: part.what)
def test_closed_lists_are_complete(part: Marked) -> None:
    """A list of statuses in docs/mapping.md is the list that the code accepts."""
    listed = part.text.partition(".")[0]
    assert set(re.findall(r"`([a-z-]+)`", listed)) == set(get_args(named(part.what)))


def test_reasons_of_unsent_rows_are_explained() -> None:
    """Each reason that a sync gives for a row stands in docs/errors.md."""
    text = read("docs/errors.md").partition("## Why a row was not sent")[2]
    sources = (ROOT / "src" / "netfhir" / "sync").glob("*.py")
    given = {code for path in sources for code in REASON.findall(path.read_text(encoding="utf-8"))}
    wanted = {reason.value for reason in Unresolved} | given
    assert len(given) > 1
    assert {reason for reason in wanted if f"`{reason}`" not in text} == set()


def test_actions_and_outcomes_are_listed() -> None:
    """docs/formats.md lists every action and every outcome."""
    (plan,) = [part for part in marked("docs/formats.md", "document") if part.what == "plan"]
    rows = {row[0]: row[1] for row in plan.rows()}
    assert set(rows["summary.types.*.actions.*"].split(", ")) == {str(action) for action in Action}
    assert set(rows["summary.types.*.outcomes.*"].split(", ")) == {str(o) for o in Outcome}


def test_trials_named_as_shipped_are_shipped() -> None:
    """A changelog fragment that names a trial names one that is declared."""
    shipped = opening.trial_names([shipped_mappings()])
    text = " ".join(path.read_text(encoding="utf-8") for path in ROOT.glob("changelog.d/*.md"))
    assert set(re.findall(r"\b(?:NCT\d{8}|CDISC[A-Z]+\d+)\b", text)) <= set(shipped)
