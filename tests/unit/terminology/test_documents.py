"""How a site's overlay is laid over the shipped mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import DeclarationError
from netfhir.terminology import documents

if TYPE_CHECKING:
    from pathlib import Path

NAME = "terminology/concepts.toml"
SHIPPED = """
[haemoglobin]
text = "Haemoglobin"
[[haemoglobin.coding]]
code = "718-7"
"""


def folder(parent: Path, name: str, text: str) -> Path:
    """Write one document into a new mappings folder."""
    path = parent / name / NAME
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return parent / name


def overlaid(tmp_path: Path, above: str) -> dict[str, object]:
    """Read the shipped document with `above` laid over it."""
    folders = [folder(tmp_path, "shipped", SHIPPED), folder(tmp_path, "site", above)]
    return documents.read(folders, NAME)


def test_an_overlay_may_add_a_key(tmp_path: Path) -> None:
    """A site adds what the shipped mappings lack, and loses nothing."""
    assert set(overlaid(tmp_path, '[ferritin]\ntext = "Ferritin"')) == {"haemoglobin", "ferritin"}


def test_an_overlay_may_add_a_key_inside_a_table(tmp_path: Path) -> None:
    """Merging goes key by key, at every depth."""
    merged = overlaid(tmp_path, '[haemoglobin]\nnote = "ours"')
    assert merged["haemoglobin"] == {
        "text": "Haemoglobin",
        "coding": [{"code": "718-7"}],
        "note": "ours",
    }


def test_an_overlay_without_override_may_not_change_a_key(tmp_path: Path) -> None:
    """A change by accident is refused, naming file and key."""
    with pytest.raises(DeclarationError) as caught:
        overlaid(tmp_path, '[haemoglobin]\ntext = "Hb"')
    assert caught.value.code == "overlay-changes-a-key"
    assert caught.value.where == f"{NAME}:haemoglobin:text"


def test_an_overlay_may_repeat_a_value(tmp_path: Path) -> None:
    """Saying the same is no change."""
    merged = overlaid(tmp_path, '[haemoglobin]\ntext = "Haemoglobin"')
    assert merged["haemoglobin"] == {"text": "Haemoglobin", "coding": [{"code": "718-7"}]}


def test_an_overlay_with_override_changes_a_key(tmp_path: Path) -> None:
    """`override = true` on top is the deliberate act, and is no key of the document."""
    merged = overlaid(tmp_path, 'override = true\n[haemoglobin]\ntext = "Hb"')
    assert merged == {"haemoglobin": {"text": "Hb", "coding": [{"code": "718-7"}]}}


def test_a_list_is_appended_to_without_override(tmp_path: Path) -> None:
    """A site's own coding follows the shipped ones."""
    merged = overlaid(tmp_path, '[[haemoglobin.coding]]\ncode = "X1"')
    assert merged["haemoglobin"] == {
        "text": "Haemoglobin",
        "coding": [{"code": "718-7"}, {"code": "X1"}],
    }


def test_a_list_is_replaced_with_override(tmp_path: Path) -> None:
    """Override means the overlay's list alone."""
    merged = overlaid(tmp_path, 'override = true\n[[haemoglobin.coding]]\ncode = "X1"')
    assert merged["haemoglobin"] == {"text": "Haemoglobin", "coding": [{"code": "X1"}]}


def test_a_table_does_not_become_a_value(tmp_path: Path) -> None:
    """A change of kind is a change."""
    with pytest.raises(DeclarationError, match="overlay-changes-a-key"):
        overlaid(tmp_path, 'haemoglobin = "Hb"')


def test_override_of_one_overlay_says_nothing_for_the_next(tmp_path: Path) -> None:
    """Each file answers for itself."""
    folders = [
        folder(tmp_path, "shipped", SHIPPED),
        folder(tmp_path, "region", 'override = true\n[haemoglobin]\ntext = "Hb"'),
        folder(tmp_path, "site", '[haemoglobin]\ntext = "Hgb"'),
    ]
    with pytest.raises(DeclarationError, match="overlay-changes-a-key"):
        documents.read(folders, NAME)


def test_a_document_may_stand_in_the_overlay_only(tmp_path: Path) -> None:
    """A site may bring a file that is not shipped."""
    (tmp_path / "shipped").mkdir()
    site = folder(tmp_path, "site", '[ferritin]\ntext = "Ferritin"')
    assert documents.read([tmp_path / "shipped", site], NAME) == {"ferritin": {"text": "Ferritin"}}


def test_a_document_that_is_nowhere_is_named(tmp_path: Path) -> None:
    """The error names the file and the folders looked into."""
    with pytest.raises(DeclarationError, match="missing-declaration") as caught:
        documents.read([tmp_path], NAME)
    assert caught.value.where == NAME
    assert tmp_path.name in caught.value.found


def test_a_syntax_error_is_named(tmp_path: Path) -> None:
    """A broken file is never read as none."""
    with pytest.raises(DeclarationError, match="not-toml"):
        documents.read([folder(tmp_path, "shipped", "[haemoglobin")], NAME)
