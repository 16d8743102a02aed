"""SDTM folders: one file for each domain, in any container, chosen and never guessed."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import FormatError
from netfhir.sources.sdtm import tables

if TYPE_CHECKING:
    from pathlib import Path

_CSV = b"USUBJID\nS1\n"


def _folder(folder: Path, *names: str) -> Path:
    for name in names:
        octets = gzip.compress(_CSV) if name.lower().endswith(".gz") else _CSV
        (folder / name).write_bytes(octets)
    return folder


def _error(source: Path, *domains: str, container: str | None = None) -> FormatError:
    with pytest.raises(FormatError) as caught:
        tables(source, domains, container=container)
    return caught.value


@pytest.mark.parametrize("name", ["lb.csv", "LB.CSV", "Lb.csv.gz"])
def test_names_in_any_case(tmp_path: Path, name: str) -> None:
    """A domain's file is found whatever the case, gzipped or not."""
    found = tables(_folder(tmp_path, name, "lbx.csv", "lb.txt", "._lb.csv", "lb.old.csv"), ["LB"])
    assert found["LB"].file == name


def test_domains_keep_the_order_asked_for(tmp_path: Path) -> None:
    """The tables come in the order of the declaration."""
    assert list(tables(_folder(tmp_path, "dm.csv", "lb.csv"), ["LB", "DM"])) == ["LB", "DM"]


def test_several_containers_must_be_chosen_from(tmp_path: Path) -> None:
    """A domain in two containers is refused with both files and the option that chooses."""
    error = _error(_folder(tmp_path, "lb.csv", "lb.xpt", "dm.csv"), "DM", "LB")
    assert error.code == "ambiguous-source"
    assert "lb.csv, lb.xpt" in error.found
    assert error.remedy == "--container xpt or --container csv"


def test_a_chosen_container(tmp_path: Path) -> None:
    """The option decides for all domains."""
    folder = _folder(tmp_path, "lb.csv", "lb.xpt")
    assert tables(folder, ["LB"], container="csv")["LB"].file == "lb.csv"


def test_two_files_in_one_container(tmp_path: Path) -> None:
    """Packed and unpacked beside each other: which one is meant is not guessed."""
    error = _error(_folder(tmp_path, "lb.csv", "lb.csv.gz"), "LB", container="csv")
    assert error.code == "ambiguous-source"
    assert "remove" in error.remedy


def test_a_missing_domain(tmp_path: Path) -> None:
    """A domain without a file is named, with the names that were looked for."""
    error = _error(_folder(tmp_path, "dm.csv"), "DM", "LB", container="csv")
    assert (error.code, error.expected) == ("missing-file", "lb.csv")
    assert "LB" in error.found


def test_an_unknown_container(tmp_path: Path) -> None:
    """A container that is none is refused with those that there are."""
    error = _error(_folder(tmp_path, "dm.csv"), "DM", container="sas7bdat")
    assert error.code == "unknown-container"
    assert "xpt, json, ndjson, csv, parquet" in error.expected


def test_no_folder(tmp_path: Path) -> None:
    """A source that is no folder is refused."""
    assert _error(tmp_path / "absent", "DM").code == "missing-source"
