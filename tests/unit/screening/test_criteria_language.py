"""The language is closed: what it does not understand is refused, with file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hospital_records import AS_OF, TRIAL, asked
from netfhir.errors import DeclarationError
from netfhir.screening import criteria, protocol
from netfhir.settings import shipped_mappings
from netfhir.trial import declaration

if TYPE_CHECKING:
    from pathlib import Path

PERSON = '[criteria.I1.needs.a]\nkind = "person"\nask = "?"\ncost = 1\n'
HEAD = 'language = 1\nprotocol = "1"\n[criteria.I1]\nkind = "inclusion"\ntext = "t"\n'
VALUE = '[criteria.I1.needs.a]\nkind = "value"\nask = "?"\ncost = 1\nconcepts = ["ecog"]\n'


def load(folder: Path, text: str) -> criteria.CriteriaFile:
    """Return the criteria of a trial whose file has this text."""
    (folder / "T").mkdir(exist_ok=True)
    (folder / "T" / "criteria.toml").write_text(text, encoding="utf-8")
    return criteria.load("T", [folder])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEAD.replace("language = 1", "language = 2")
            + 'rule = "a"\nhuman_only = true\n'
            + PERSON,
            "1",
        ),
        (HEAD + 'rule = "b"\nhuman_only = true\n' + PERSON, "not declared: b"),
        (HEAD + 'rule = { xor = ["a"] }\nhuman_only = true\n' + PERSON, "not known"),
        (HEAD + 'rule = "a > 3"\nhuman_only = true\n' + PERSON, "not declared"),
        (HEAD + 'rule = "a"\n' + PERSON, "human_only"),
        (HEAD + 'rule = "a"\n' + VALUE + 'operator = "near"\nthresholds = { "1" = 1 }\n', "below"),
        (HEAD + 'rule = "a"\n' + VALUE + 'operator = "below"\n', "takes either"),
        (
            HEAD + 'rule = "a"\n' + VALUE + 'operator = "below"\nthresholds = { "1" = 1.5 }\n',
            "quotes",
        ),
        (
            HEAD + 'rule = "a"\n' + VALUE + 'operator = "within_range"\nthresholds = { "1" = 1 }\n',
            "no threshold",
        ),
        (HEAD.replace("inclusion", "exclusion") + 'rule = "a"\nhuman_only = true\n' + PERSON, "I1"),
        (HEAD + 'rule = "a"\nhuman_only = true\nformula = "x"\n' + PERSON, "not known"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Another version, an unknown operator, an expression, a float, an idle name."""
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.where.startswith("T/criteria.toml")


def test_spacing_does_not_change_the_digest_and_a_threshold_does(tmp_path: Path) -> None:
    """The digest is of what the file means."""
    text = HEAD + 'rule = "a"\n' + VALUE + 'operator = "below"\nthresholds = { "1" = 2 }\n'
    digest = load(tmp_path, text).digest()
    assert load(tmp_path, "# words\n" + text).digest() == digest
    assert load(tmp_path, text.replace("= 2 }", "= 3 }")).digest() != digest


def test_a_trial_without_screening_is_refused(tmp_path: Path) -> None:
    """Without a declaration of consent nobody is screened: status 78."""
    trial = declaration.load("CDISCPILOT01", [shipped_mappings(), tmp_path])
    with pytest.raises(DeclarationError) as caught:
        protocol.load(trial, AS_OF)
    assert (caught.value.code, caught.value.exit_status) == ("no-screening", 78)


def overlaid(folder: Path, text: str) -> None:
    """Load the trial's screening with a site's overlay of the criteria."""
    (folder / TRIAL).mkdir()
    (folder / TRIAL / "criteria.toml").write_text("override = true\n" + text, encoding="utf-8")
    protocol.load(declaration.load(TRIAL, [shipped_mappings(), folder]), AS_OF)


def test_an_unknown_set_and_a_score_in_units_are_refused(tmp_path: Path) -> None:
    """Names of concept sets and kinds of unit are checked before any patient is read."""
    with pytest.raises(DeclarationError, match="a concept set of mappings"):
        overlaid(tmp_path, '[criteria.E9.needs.leukocytes-low]\nconcepts = ["leucocytes"]\n')


def test_a_score_is_not_compared_in_units(tmp_path: Path) -> None:
    """ECOG has no unit but 1."""
    with pytest.raises(DeclarationError, match="unit-of-another-kind"):
        overlaid(tmp_path, '[criteria.E9.needs.leukocytes-low]\nconcepts = ["ecog"]\n')


def test_a_site_chooses_a_reading(tmp_path: Path) -> None:
    """An ambiguity is configurable: an overlay says which reading is used."""
    (tmp_path / TRIAL).mkdir()
    text = 'override = true\n[criteria.I4.ambiguities.ki-67-of-grade-2]\nuse = "who-at-most-20"\n'
    (tmp_path / TRIAL / "criteria.toml").write_text(text, encoding="utf-8")
    file = criteria.load(TRIAL, [shipped_mappings(), tmp_path])
    assert file.criteria["I4"].ambiguities["ki-67-of-grade-2"].use == "who-at-most-20"
    assert file.digest() != asked().file.digest()
