"""Every module of mappers/."""

from __future__ import annotations

import inspect
import json
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from netfhir import mappers
from netfhir.fhir import tables
from netfhir.fhir.identity import identifiers_of
from netfhir.runs import opening
from netfhir.settings import shipped_mappings
from netfhir.sources import assemble

if TYPE_CHECKING:
    from trial_exports import MappedExport

EMITTED = mappers.emitted()
FACTS = sorted(set(EMITTED) - {"study"})
#: Only concluded from other facts, never read from a source.
DERIVED = {"endpoint"}


def test_every_module_but_the_quantity_is_a_mapper() -> None:
    """A file in the folder is a mapper, without any list of them."""
    names = {module.name for module in pkgutil.iter_modules(mappers.__path__)}
    drafting = {
        name for name in names if hasattr(import_module(f"netfhir.mappers.{name}"), "drafts")
    }
    assert drafting == set(EMITTED)


@pytest.mark.parametrize("name", FACTS)
def test_a_mapper_takes_an_entity_and_a_site(name: str) -> None:
    """`drafts(entity, site)`: what the pipeline calls."""
    parameters = inspect.signature(mappers.mapper(name)).parameters
    assert list(parameters) == ["entity", "site"]


@pytest.mark.parametrize("name", EMITTED)
def test_a_mapper_emits_types_that_the_gate_knows(name: str) -> None:
    """What the gate has no tables for cannot be judged, so it is not emitted."""
    known = tables.read("r4", "structure")
    assert EMITTED[name]
    assert set(EMITTED[name]) <= set(known)


@pytest.mark.parametrize("name", sorted(set(FACTS) - DERIVED))
def test_a_mapped_entity_is_assembled_too(name: str) -> None:
    """The module of an entity has the same name in both folders."""
    module = import_module(f"{assemble.__name__}.{name}")
    assert callable(module.entities)


@pytest.mark.parametrize("trial", opening.trial_names([shipped_mappings()]))
def test_a_declared_entity_has_its_mapper(trial: str) -> None:
    """No source declares an entity that nobody maps."""
    exports = opening.trial(trial).exports().values()
    assert {source.entity for export in exports for source in export.entities} <= set(EMITTED)


@pytest.mark.parametrize("export", ["mapped_redcap", "mapped_json"])
def test_nothing_is_emitted_beyond_what_is_announced(
    export: str, request: pytest.FixtureRequest
) -> None:
    """The types of a whole export are those of EMITS."""
    mapped: MappedExport = request.getfixturevalue(export)
    assert set(mapped.types()) <= {name for names in EMITTED.values() for name in names}


@pytest.mark.parametrize("export", ["mapped_redcap", "mapped_json"])
def test_a_resource_has_a_derived_id_and_its_identifier(
    export: str, request: pytest.FixtureRequest
) -> None:
    """33 characters that name nobody, each once, and the identifier that they come from."""
    mapped: MappedExport = request.getfixturevalue(export)
    for name in mapped.types():
        bodies = [json.loads(line) for line in mapped.lines(name)]
        assert len({body["id"] for body in bodies}) == len(bodies)
        assert {len(body["id"]) for body in bodies} == {33}
        assert all(identifiers_of(body)[0]["value"] for body in bodies)
