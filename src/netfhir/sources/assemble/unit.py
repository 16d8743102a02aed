"""Units in the source's spelling: to UCUM by codes.toml, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import RecordError

if TYPE_CHECKING:
    from netfhir.trial.declaration import Trial


def declared_unit(spelling: str, where: str, trial: Trial) -> str:
    """Return the UCUM code of a unit as the source spells it; "" where that says no unit."""
    known = trial.codes.units
    if spelling in known:
        return known[spelling]
    if spelling in trial.terminology.units:
        return spelling
    raise RecordError(
        "unknown-unit",
        where=where,
        found=f"the unit `{spelling}`" if spelling else "no unit",
        expected="a UCUM code of mappings/terminology/units.toml, or a spelling of [units]",
        remedy=f'add `"{spelling}" = "<UCUM code>"` to [units] of codes.toml',
    )
