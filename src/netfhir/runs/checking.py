"""Checks a trial's declaration as a whole: every name it uses is there, and fits.

Each finding is a DeclarationError that names file and key; none of them stops the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netfhir.errors import DeclarationError
from netfhir.screening import protocol
from netfhir.trial.export import DoseSource, ItemPlace, MeasurementSource
from netfhir.trial.places import Attribute, Names, OneOf, attributes
from netfhir.trial.schedule import declared as schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.terminology.concepts import Unit
    from netfhir.trial.declaration import Item, Trial
    from netfhir.trial.export import EntitySource, Export


class LookUp(Protocol):
    """Finds a row of the terminology by its key, or raises a DeclarationError."""

    def __call__(self, key: str, /, *, where: str) -> object:
        """Return the row."""


_FEW = 24


def findings(trial: Trial, arms: Iterable[str], prose: str = "") -> list[DeclarationError]:
    """Return what is wrong in `mappings/<trial>`.

    `arms` are the arm names of the registry record, `prose` its text, which a trial quotes.
    """
    found = list(_items(trial)) + list(_units(trial)) + list(_arms(trial, set(arms)))
    found += list(_conversions(trial))
    found += protocol.problems(trial)
    found += schedule.problems(trial, prose)
    for name, export in trial.exports().items():
        found += _export(trial, f"{trial.name}/sources/{name}.toml", export)
    return found


def _arms(trial: Trial, known: set[str]) -> Iterator[DeclarationError]:
    for key, arm in trial.file.arms.items():
        if arm.name not in known:
            yield DeclarationError(
                "unknown-arm",
                where=f"{trial.name}/trial.toml:arms.{key}.name",
                found=f"`{arm.name}`",
                expected="the name of an arm in registry.json: " + ", ".join(sorted(known)),
            )


def _units(trial: Trial) -> Iterator[DeclarationError]:
    where = f"{trial.name}/codes.toml:units"
    for spelling, ucum in trial.codes.units.items():
        if ucum:
            yield from _try(trial.terminology.unit, ucum, f'{where}."{spelling}"')


def _conversions(trial: Trial) -> Iterator[DeclarationError]:
    units = trial.terminology.units
    for ucum, conversion in trial.codes.conversions.items():
        where = f'{trial.name}/codes.toml:conversions."{ucum}"'
        wrong = [
            *_try(trial.terminology.unit, ucum, where),
            *_try(trial.terminology.unit, conversion.to, f"{where}.to"),
        ]
        yield from wrong
        if not wrong and not set(units[ucum].property) & set(units[conversion.to].property):
            yield DeclarationError(
                "conversion-across-kinds",
                where=f"{where}.to",
                found=f"`{conversion.to}`, which measures {_kinds(units[conversion.to])}",
                expected=f"a unit of {_kinds(units[ucum])}",
                remedy="declare a concept a kind: a mass becomes no amount of substance",
            )


def _kinds(unit: Unit) -> str:
    return " or ".join(unit.property)


def _items(trial: Trial) -> Iterator[DeclarationError]:
    for table, items in trial.codes.items.items():
        for code, item in items.items():
            yield from _item(trial, f"{trial.name}/codes.toml:items.{table}.{code}", item)


def _item(trial: Trial, where: str, item: Item) -> Iterator[DeclarationError]:
    terminology = trial.terminology
    yield from _try(terminology.concept, item.concept, f"{where}.concept")
    yield from _try(terminology.concept, item.category, f"{where}.category")
    for answer, key in item.answers.items():
        yield from _try(terminology.concept, key, f'{where}.answers."{answer}"')
    units = [*item.units, *([item.unitless] if item.unitless else [])]
    if item.value == "quantity" and not units:
        yield DeclarationError(
            "no-unit", where=where, found="a quantity without `units`", remedy="declare its units"
        )
    for ucum in units:
        wrong = list(_try(terminology.unit, ucum, f"{where}.units"))
        yield from wrong or _dimension(trial, where, item, ucum)


def _dimension(trial: Trial, where: str, item: Item, ucum: str) -> Iterator[DeclarationError]:
    concept = trial.terminology.concepts.get(item.concept)
    unit = trial.terminology.units[ucum]
    if concept is not None and concept.property not in unit.property:
        yield DeclarationError(
            "unit-of-another-kind",
            where=f"{where}.units",
            found=f"`{ucum}`, which measures {_kinds(unit)}",
            expected=f"a unit of {concept.property or 'no quantity'} ({item.concept})",
            remedy="choose the concept by what was measured, or correct the unit",
        )


def _export(trial: Trial, where: str, export: Export) -> Iterator[DeclarationError]:
    for code, key in export.missing.items():
        yield from _try(trial.terminology.concept, key, f'{where}:missing."{code}"')
    for number, source in enumerate(export.entities, 1):
        yield from _source(trial, f"{where}:entities[{number}]", source)


def _source(trial: Trial, where: str, source: EntitySource) -> Iterator[DeclarationError]:
    for name, place, allowed in attributes(source):
        yield from _place(trial, f"{where}.{name}", place, _words(trial, allowed))
    if isinstance(source, DoseSource) and source.kind_of_amount:
        yield from _amount(trial, where, source)
    if isinstance(source, MeasurementSource):
        items = trial.codes.items.get(source.item_table)
        if items is None:
            yield DeclarationError(
                "unknown-key",
                where=f"{where}.item_table",
                found=f"`{source.item_table}`",
                expected="a table [items.…] of codes.toml: " + ", ".join(trial.codes.items),
            )
        named = {code for item in source.items for code in _named(trial, item)}
        for code in sorted(named - set(items or ())):
            yield _unknown(f"{where}.items", code, items or ())


def _amount(trial: Trial, where: str, source: DoseSource) -> Iterator[DeclarationError]:
    kind, units = source.kind_of_amount, trial.terminology.units
    known = {name for unit in units.values() for name in unit.property}
    if kind not in known:
        yield _unknown(f"{where}.kind_of_amount", kind, known)
    constant = source.unit.constant if source.unit else ""
    ucum = trial.codes.units.get(constant, constant)
    if kind in known and ucum in units and kind not in units[ucum].property:
        yield DeclarationError(
            "unit-of-another-kind",
            where=f"{where}.unit",
            found=f"`{ucum}`, which measures {_kinds(units[ucum])}",
            expected=f"a unit of {kind}",
            remedy="correct the unit, or the kind of the amount",
        )


def _named(trial: Trial, place: ItemPlace) -> set[str]:
    named = {place.item, *(part.item for part in place.parts)}
    if place.by is not None:
        named |= set(trial.codes.values.get(place.by.values, {}).values())
    return named


def _place(
    trial: Trial, where: str, place: Attribute, allowed: frozenset[str] | None
) -> Iterator[DeclarationError]:
    if place.values and place.values not in trial.codes.values:
        yield _unknown(f"{where}.values", place.values, trial.codes.values)
        return
    targets = set(trial.codes.values[place.values].values()) if place.values else set()
    targets |= {place.constant} if place.constant else set()
    for target in sorted(targets):
        if allowed is not None and target not in allowed:
            table = f"codes.toml:values.{place.values}" if place.values else where
            yield _unknown(f"{trial.name}/{table}" if place.values else table, target, allowed)


def _words(trial: Trial, allowed: OneOf | Names | None) -> frozenset[str] | None:
    match allowed:
        case None:
            return None
        case OneOf(words):
            return words
        case Names("arm"):
            return frozenset(trial.file.arms)
        case Names("visit"):
            return frozenset(trial.file.visits)
        case Names("site"):
            return frozenset(trial.file.sites)
    return frozenset(trial.terminology.concepts)


def _unknown(where: str, found: str, known: Iterable[str]) -> DeclarationError:
    names = sorted(known)
    shown = ", ".join(names) if len(names) <= _FEW else f"a name of its kind ({len(names)} known)"
    return DeclarationError("unknown-key", where=where, found=f"`{found}`", expected=shown)


def _try(look_up: LookUp, key: str, where: str) -> Iterator[DeclarationError]:
    try:
        look_up(key, where=where)
    except DeclarationError as error:
        yield error
