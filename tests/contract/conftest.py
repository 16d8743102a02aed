"""Whole exports, each mapped once for all contracts."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

import trial_exports

if TYPE_CHECKING:
    from pathlib import Path

    from trial_exports import MappedExport


def golden_subjects() -> frozenset[str]:
    """Return the subjects of the pilot of 306 that goldens are of; their numbers are digits."""
    path = trial_exports.ROOT / "fixtures" / "CDISCPILOT01" / "goldens.toml"
    rows = tomllib.loads(path.read_text("utf-8")).values()
    return frozenset(row["identifier"].split("|")[1] for row in rows) - {""}


@pytest.fixture(scope="session")
def mapped_redcap(tmp_path_factory: pytest.TempPathFactory) -> MappedExport:
    """Return the REDCap fixture, mapped."""
    return trial_exports.redcap(tmp_path_factory.mktemp("redcap"))


@pytest.fixture(scope="session")
def mapped_redcap_r5(tmp_path_factory: pytest.TempPathFactory) -> MappedExport:
    """Return the REDCap fixture, mapped to R5."""
    return trial_exports.redcap(tmp_path_factory.mktemp("redcap-r5"), "r5")


@pytest.fixture(scope="session")
def mapped_json_r5(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> MappedExport:
    """Return the 18 subjects of the pilot, mapped from Dataset-JSON to R5."""
    return trial_exports.pilot(shared_data, "json", tmp_path_factory.mktemp("json-r5"), "r5")


@pytest.fixture(scope="session")
def mapped_pharmaverse_r5(tmp_path_factory: pytest.TempPathFactory) -> MappedExport:
    """Return those subjects of the pilot of 306 that goldens are of, mapped to R5."""
    folder = tmp_path_factory.mktemp("pharmaverse-r5")
    return trial_exports.pharmaverse(folder, "r5", golden_subjects())


@pytest.fixture(scope="session")
def mapped_xpt(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> MappedExport:
    """Return the 18 subjects of the pilot, mapped from XPT."""
    return trial_exports.pilot(shared_data, "xpt", tmp_path_factory.mktemp("xpt"))


@pytest.fixture(scope="session")
def mapped_json(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> MappedExport:
    """Return the 18 subjects of the pilot, mapped from Dataset-JSON."""
    return trial_exports.pilot(shared_data, "json", tmp_path_factory.mktemp("json"))


@pytest.fixture(scope="session")
def mapped_pharmaverse(tmp_path_factory: pytest.TempPathFactory) -> MappedExport:
    """Return the pilot of 306 subjects, mapped from Parquet."""
    return trial_exports.pharmaverse(tmp_path_factory.mktemp("pharmaverse"))
