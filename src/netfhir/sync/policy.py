"""How each type is taken back, as `retraction.toml` or a site's own file declares it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netfhir.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from netfhir.fhir.canonical import Json


#: The table of the types that R5 takes back otherwise.
_R5 = "r5"


class Taking(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: dict[str, Any] = Field(min_length=1)
    """Elements and the value that each gets."""
    remove: tuple[str, ...] = ()
    tag: dict[str, str] | None = None

    def applied(self, body: Json) -> Json:
        """Return a body as it reads once it was taken back."""
        after = {name: value for name, value in body.items() if name not in self.remove}
        after |= self.set
        tags = list(after.get("meta", {}).get("tag", []))
        if self.tag is not None and self.tag not in tags:
            after["meta"] = {**after.get("meta", {}), "tag": [*tags, self.tag]}
        return after

    def elements(self) -> tuple[str, ...]:
        """Return the elements that are set or removed."""
        return (*self.set, *self.remove)


@dataclass(frozen=True, slots=True)
class Policy:
    """How types are taken back in one run."""

    takings: Mapping[str, Taking]
    deletes: frozenset[str] = field(default_factory=frozenset)
    """Types that are deleted instead, as the operator asked."""


def takings(site: Path | None = None, fhir: str = "r4") -> dict[str, Taking]:
    """Return the shipped policy of a FHIR version, the site's file laid over it type by type.

    Raises DeclarationError for a file that cannot be read, or a table that is no policy.
    """
    shipped = (resources.files("netfhir.sync") / "retraction.toml").read_text("utf-8")
    found = _read(shipped, "retraction.toml", fhir)
    if site is None:
        return found
    try:
        text = site.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(site), f"a file that cannot be read ({type(error).__name__})") from error
    return found | _read(text, str(site), fhir)


def _read(text: str, where: str, fhir: str) -> dict[str, Taking]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(where, str(error)) from error
    newer = tables.pop(_R5, {})
    tables |= newer if fhir == _R5 else {}
    return {name: _taking(table, f"{where}:{name}") for name, table in tables.items()}


def _taking(table: Any, where: str) -> Taking:  # noqa: ANN401 - any TOML value
    try:
        return Taking.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _wrong(where: str, found: str) -> DeclarationError:
    return DeclarationError(
        "retraction-policy",
        where=where,
        found=found,
        expected="a table a resource type, with set, and remove or tag if needed",
        remedy="correct the file given as --policy",
    )
