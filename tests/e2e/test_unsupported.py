"""`--unsupported DIR`: what a server cannot take, as files for import by other means."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Flow


@pytest.fixture
def poor(flow: Flow) -> Flow:
    """Return a flow to a server that takes observations only, under ids of its own."""
    flow.store.recorded = {
        "Observation": {"interaction": [{"code": "create"}, {"code": "update"}]},
        "Procedure": {"interaction": [{"code": "read"}]},
    }
    flow.store.listed = ("Patient", "Observation", "Procedure")
    flow.store.update_create = False
    return flow


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_what_is_unsupported_is_written(poor: Flow, tmp_path: Path, command: str) -> None:
    """One file a type, as many lines as rows are unsupported; they stay counted, and 65."""
    out = tmp_path / "left"
    ran = poor(command, "--unsupported", out, "--json")
    assert ran.status == 65
    types = ran.document["summary"]["types"]
    unsupported = {
        name: row["outcomes"]["unsupported"]
        for name, row in types.items()
        if "unsupported" in row["outcomes"]
    }
    assert {path.stem: len(_lines(path)) for path in out.iterdir()} == unsupported
    assert "Observation" not in unsupported
    assert ran.err.count(" unsupported in ") == len(unsupported)


def test_the_files_are_their_owners_alone(poor: Flow, tmp_path: Path) -> None:
    """Patient data: the folder 0700, each file 0600."""
    out = tmp_path / "left"
    poor("plan", "--unsupported", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_the_bodies_are_as_they_would_be_sent(poor: Flow, tmp_path: Path) -> None:
    """Patients by the hospital's ids, each other by identifier, with our ids and digits."""
    out = tmp_path / "left"
    poor("apply", "--unsupported", out)
    subjects = _lines(out / "ResearchSubject.ndjson")
    assert all(body["individual"]["reference"].startswith("Patient/") for body in subjects)
    studies = {body["identifier"][0]["value"] for body in _lines(out / "ResearchStudy.ndjson")}
    assert {body["study"]["identifier"]["value"] for body in subjects} <= studies
    assert all(body["id"].startswith("n") for body in subjects)


def test_files_of_an_earlier_run_are_replaced(poor: Flow, tmp_path: Path) -> None:
    """A type that the server takes now has no file any more; other files stay."""
    out = tmp_path / "left"
    poor("plan", "--unsupported", out)
    (out / "notes.txt").write_text("mine")
    poor.store.recorded = {}
    poor.store.listed = ("Patient", *poor.store.listed)
    poor("plan", "--unsupported", out)
    assert not (out / "Procedure.ndjson").exists()
    assert (out / "notes.txt").read_text() == "mine"


def test_nothing_unsupported_is_said(flow: Flow, tmp_path: Path) -> None:
    """A server that takes all: no file, and a word about it."""
    ran = flow("plan", "--unsupported", tmp_path / "left")
    assert ran.status == 0
    assert list((tmp_path / "left").iterdir()) == []
    assert "nothing is unsupported" in ran.err
