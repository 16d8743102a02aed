"""Reads the TOML documents of `mappings/` and of a site's overlay, merged by file, then by key.

An overlay may add keys; it may change one only in a file that says `override = true` on top.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from netfhir.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import ValidationError


def read(folders: Sequence[Path], name: str) -> dict[str, Any]:
    """Return the document `name` of the first folder, overlaid by the later folders in order."""
    merged: dict[str, Any] | None = None
    for folder in folders:
        path = folder / name
        if not path.is_file():
            continue
        document = _parse(path, name)
        override = bool(document.pop("override", False))
        merged = document if merged is None else _merge(merged, document, name, override=override)
    if merged is None:
        raise DeclarationError(
            "missing-declaration",
            where=name,
            found="no such file in " + ", ".join(folder.name for folder in folders),
            remedy="create it, or name the folder that holds it with --mappings",
        )
    return merged


def _parse(path: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(
            "not-toml", where=name, found=str(error), remedy="mend the file's syntax"
        ) from error


def _merge(
    below: dict[str, Any], above: dict[str, Any], where: str, *, override: bool
) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value, f"{where}:{key}", override=override)
        elif isinstance(old, list) and isinstance(value, list) and not override:
            merged[key] = [*old, *value]
        elif old is None or override or old == value:
            merged[key] = value
        else:
            raise DeclarationError(
                "overlay-changes-a-key",
                where=f"{where}:{key}",
                found="a key that the shipped mappings declare otherwise",
                expected="added keys only",
                remedy="put `override = true` at the top of the overlay's file if that is meant",
            )
    return merged


def _place(where: str, key: str) -> str:
    """Return `file:key`, or `file:key.key` where the place is inside a table."""
    return f"{where}.{key}" if ":" in where else f"{where}:{key}"


def invalid(error: ValidationError, where: str) -> DeclarationError:
    """Return a model's first complaint as an error that names file and key.

    A key that is not known comes first: its misspelling is why another one seems to be missing.
    """
    found = error.errors(include_url=False, include_input=False)
    first = min(found, key=lambda one: one["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    return DeclarationError(
        "bad-declaration",
        where=_place(where, key) if key else where,
        found="a key that is not known" if first["type"] == "extra_forbidden" else first["msg"],
        expected="the keys and values that docs/mapping.md lists",
        remedy="mend or remove the key; a misspelt key is refused, never ignored",
    )
