"""Units in the source's spelling: to UCUM by codes.toml, or a refusal; and declared conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.trial.entities import Amount, Given

if TYPE_CHECKING:
    from decimal import Decimal

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


def amount(value: Decimal, spelling: str, ucum: str, trial: Trial) -> Amount:
    """Return the amount; converted, with what was given beside it, where its unit is declared so.

    The product of two decimals is exact: no digit of the source is rounded away.
    """
    conversion = trial.codes.conversions.get(ucum)
    if conversion is None:
        return Amount(value=value, ucum=ucum, unit=spelling)
    unit = trial.terminology.units[conversion.to]
    return Amount(
        value=value * conversion.factor,
        ucum=conversion.to,
        unit=unit.display,
        given=Given(value=value, ucum=ucum, unit=spelling),
    )
