"""Whole exports, each mapped once for all contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import trial_exports

if TYPE_CHECKING:
    from pathlib import Path

    from trial_exports import MappedExport


@pytest.fixture(scope="session")
def mapped_redcap(tmp_path_factory: pytest.TempPathFactory) -> MappedExport:
    """Return the REDCap fixture, mapped."""
    return trial_exports.redcap(tmp_path_factory.mktemp("redcap"))


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
