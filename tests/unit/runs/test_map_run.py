"""`netfhir map`: the files it writes."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import RecordError
from netfhir.runs import mapping, opening
from netfhir.runs.mapping import Mapped
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Account, Selection
from netfhir.settings import DEMO_SITE_KEY, shipped_mappings

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = shipped_mappings().parent / "fixtures" / "NCT05987176" / "redcap" / "data.csv"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run over one subject."""
    folder = tmp_path_factory.mktemp("out") / "fhir"
    run(folder)
    return folder


def run(folder: Path) -> Mapped:
    """Map one subject of the fixture into a folder."""
    site = opening.mapping_site(opening.trial("NCT05987176"), DEMO_SITE_KEY)
    selection = Selection(frozenset({"S01-001"}))
    return mapping.run(site, Input("redcap", SOURCE, selection=selection), folder)


def test_a_run_writes_a_file_a_type(out: Path) -> None:
    """`<Type>.ndjson` holds resources of its type alone, one a line; nothing else stays."""
    summary = json.loads((out / "summary.json").read_bytes())
    files = {path.name for path in out.iterdir()}
    assert files == {f"{name}.ndjson" for name in summary["resources"]} | {
        "rejects.ndjson",
        "summary.json",
    }
    for name, count in summary["resources"].items():
        lines = (out / f"{name}.ndjson").read_bytes().splitlines()
        assert {json.loads(line)["resourceType"] for line in lines} == {name}
        assert len(lines) == count


def test_the_summary_has_the_documented_keys(out: Path) -> None:
    """The keys of docs/formats.md, with the sums by fact."""
    summary = json.loads((out / "summary.json").read_bytes())
    assert set(summary) == {
        "version",
        "trial",
        "fhir",
        "facts",
        "derived",
        "left_out",
        "resources",
        "balanced",
    }
    assert (summary["version"], summary["trial"], summary["fhir"]) == (1, "NCT05987176", "4.0.1")
    assert summary["balanced"] is True
    for sums in summary["facts"].values():
        assert sums["input"] == sums["mapped"] + sums["rejected"]


def test_what_was_left_out_is_told(out: Path) -> None:
    """Facts of the 25 other subjects are no part of the input."""
    assert json.loads((out / "summary.json").read_bytes())["left_out"]["subject"] == 25


def test_files_are_their_owners_alone(out: Path) -> None:
    """They hold patient data."""
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


def test_a_second_run_replaces_the_first(out: Path) -> None:
    """What an earlier run left does not stand among the new files, and the bytes are the same."""
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "Condition.ndjson").write_text("{}\n", encoding="utf-8")
    run(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_lines_are_sorted_by_id(out: Path) -> None:
    """The order of the source leaves no trace; what needs others comes in a wave after them."""
    lines = (out / "Observation.ndjson").read_bytes().splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    waves = 1 + sum(after < before for before, after in pairwise(ids))
    assert 1 < waves <= len(ids) / 20
    places = {f"Observation/{name}": at for at, name in enumerate(ids)}
    for at, line in enumerate(lines):
        needed = re.findall(r'"reference":"(Observation/[^"]+)"', line.decode())
        assert all(places[path] < at for path in needed)


@pytest.mark.parametrize(
    ("rejects", "mapped", "statuses"), [(0, 2, set()), (1, 1, {65}), (1, 0, {65, 70}), (0, 1, {70})]
)
def test_a_run_has_the_status_of_its_sums(rejects: int, mapped: int, statuses: set[int]) -> None:
    """65 for rejects, 70 where the sums are off, both where both are."""
    account = Account(input=Counter(dose=2), mapped=Counter(dose=mapped))
    for _ in range(rejects):
        account.reject("dose", RecordError("x", where="y"))
    assert Mapped(account, {}).statuses() == statuses
