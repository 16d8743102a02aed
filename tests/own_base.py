"""A base of identifiers for one test alone: several carry the same trial into one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def overlay(folder: Path, trial: str, base: str) -> Path:
    """Write a site's overlay with the base; return the folder."""
    path = folder / trial / "trial.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'override = true\n[identifiers]\nbase = "{base}"\n', encoding="utf-8")
    return folder
