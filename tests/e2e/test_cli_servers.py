"""Servers in trouble, state in trouble, and subjects without a patient: told, and nothing lost."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from fhir_store import answers
from netfhir.settings import shipped_mappings
from netfhir.sync.files import held

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from command_line import CommandLine, Flow

COMMANDS = ("plan", "apply", "verify")
ALWAYS = 1_000
"""More faults than any run sends requests."""


def test_a_server_that_is_down_is_69(flow: Flow) -> None:
    """No answer at the first request: 69, and what to look at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flow.server = f"http://127.0.0.1:{port}/fhir"
    for command in COMMANDS:
        ran = flow(command)
        assert ran.status == 69
        assert ": unreachable: no answer" in ran.err
        assert "is the server up, and base_url right?" in ran.err


@pytest.mark.parametrize(("status", "ends"), [(401, 77), (403, 77), (503, 75), (404, 65)])
def test_a_refusal_at_the_first_request(
    flow: Flow, http_of_hospital: HTTPServer, status: int, ends: int
) -> None:
    """401 and 403 are 77, 503 is 75; the journal keeps how the run ended."""
    http_of_hospital.clear()
    every = http_of_hospital.expect_request(re.compile(".*"))
    every.respond_with_response(Response("{}", status))
    ran = flow("apply")
    assert ran.status == ends
    assert f"http-{status}: HTTP {status}" in ran.err
    last = (flow.state / "journal.ndjson").read_text(encoding="utf-8").splitlines()[-1]
    assert f'"exit_status":{ends}' in last


def test_what_is_no_fhir_server_is_78(flow: Flow, http_of_hospital: HTTPServer) -> None:
    """A page instead of a CapabilityStatement is 78."""
    http_of_hospital.clear()
    http_of_hospital.expect_request(re.compile(".*")).respond_with_json({"hello": "world"})
    ran = flow("plan")
    assert ran.status == 78
    assert "is base_url the address of a FHIR server?" in ran.err


def test_writes_answered_503_end_with_75_and_heal(flow: Flow) -> None:
    """A server that stays busy ends the run with 75; the next run loses nothing."""
    flow.store.faults.extend([answers(503, {"Retry-After": "3600"})] * ALWAYS)
    ran = flow("apply", "--json")
    assert ran.status == ran.document["exit_status"] == 75
    assert ran.document["summary"]["balanced"] is True
    outcomes = ran.document["summary"]["outcomes"].keys()
    assert {"unknown"} <= outcomes <= {"pending", "unknown", "blocked"}
    assert "stopped: " in ran.err
    flow.store.faults.clear()
    early = flow("apply")
    assert (early.status, "not-before: the server asked to be left alone" in early.err) == (
        75,
        True,
    )
    with closing(sqlite3.connect(flow.folder / "ledger.sqlite")) as connection:
        connection.execute("UPDATE run SET not_before = '2024-01-01T00:00:00+00:00'")
        connection.commit()
    assert flow("apply").status == 0
    assert flow("verify").status == 0


def test_writes_answered_401_end_with_77(flow: Flow) -> None:
    """A server that takes no write of ours ends the run with 77: all is pending, none is dead."""
    flow.store.faults.extend([answers(401)] * ALWAYS)
    ran = flow("apply", "--json")
    assert ran.status == 77
    assert ran.document["summary"]["outcomes"].keys() == {"pending"}
    assert "rights" in ran.err


def test_a_refused_resource_is_dead_and_the_rest_arrives(flow: Flow) -> None:
    """One resource that the server refuses is told with its place: 65; all others arrive."""
    flow.store.refuses = lambda body: 422 if "lotNumber" in str(body.get("batch")) else 0
    ran = flow("apply", "--json")
    assert ran.status == 65
    outcomes = ran.document["summary"]["outcomes"]
    assert outcomes["dead"] + outcomes["blocked"] == 11, "medications, doses, assays, an event"
    assert ran.document["summary"]["balanced"] is True
    assert outcomes["acknowledged"] == ran.document["summary"]["planned"] - 11


def test_two_subjects_with_one_identifier_are_78(flow: Flow) -> None:
    """A crosswalk that gives two subjects one patient is refused with file and line."""
    flow.crosswalk.set("value", flow.crosswalk.rows()[1][2], 3)
    ran = flow("apply")
    assert ran.status == 78
    assert "crosswalk.csv:3: crosswalk: the identifier of another subject, in line 2" in ran.err
    assert "expected each identifier once" in ran.err
    assert flow.store.writes == []


@pytest.mark.parametrize("text", ["subject;system;value\n", "subject,system,value\nS01-001,x\n"])
def test_a_crosswalk_of_another_shape_is_78(flow: Flow, text: str) -> None:
    """A crosswalk without its header, or with a short line, is refused with file and line."""
    flow.crosswalk.path.write_text(text, encoding="utf-8")
    ran = flow("plan")
    assert ran.status == 78
    assert re.search(r"crosswalk\.csv:[12]: crosswalk: .*; expected ", ran.err)
    assert "S01" not in ran.err


def test_a_missing_crosswalk_file_is_78(flow: Flow) -> None:
    """A --crosswalk that is not there is told, not read as none."""
    flow.crosswalk.path.unlink()
    ran = flow("plan")
    assert ran.status == 78
    assert "crosswalk.csv" in ran.err


def test_a_subject_without_a_patient_is_parked(flow: Flow) -> None:
    """A subject that the crosswalk lacks is parked whole: 65; the other one is sent."""
    whole = flow.crosswalk.rows()
    flow.crosswalk.write([row for row in whole if row[0] != "S01-002"])
    ran = flow("apply", "--json")
    assert ran.status == 65
    summary = ran.document["summary"]
    assert summary["balanced"] is True
    assert summary["outcomes"].keys() == {"acknowledged", "parked"}
    assert summary["types"]["ResearchSubject"]["outcomes"] == {"acknowledged": 1, "parked": 1}
    assert summary["reasons"] == {
        "parked: not-in-crosswalk": summary["outcomes"]["parked"],
    }
    flow.crosswalk.write(whole)
    ran = flow("apply", "--json")
    assert ran.status == 0
    assert ran.document["summary"]["outcomes"]["acknowledged"] == summary["outcomes"]["parked"]


def test_a_damaged_ledger_is_74(flow: Flow) -> None:
    """A ledger that does not read stops the run before anything is sent."""
    flow("apply")
    for part in flow.folder.glob("ledger.sqlite*"):
        part.write_bytes(b"no ledger " * 1_000)
    flow.store.writes.clear()
    ran = flow("apply")
    assert ran.status == 74
    assert "ledger.sqlite: ledger: " in ran.err
    assert "make it anew with `netfhir ledger rebuild`" in ran.err
    assert flow.store.writes == []


def test_the_ledger_of_another_trial_is_74(flow: Flow, tmp_path: Path) -> None:
    """A ledger that was written for another trial is refused."""
    flow("apply")
    shutil.copytree(shipped_mappings() / "NCT05987176", tmp_path / "site" / "OTHER")
    shutil.copytree(flow.folder, flow.state / flow.folder.name.replace("NCT05987176", "OTHER"))
    flow.trial = "OTHER"
    ran = flow("plan", "--mappings", tmp_path / "site")
    assert ran.status == 74
    assert "ledger-owner: the ledger of another trial" in ran.err
    assert "use the state folder and the site key that belong together" in ran.err


def test_the_ledger_of_another_site_key_is_74(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another site key every id would be another: refused before anything is sent."""
    flow("apply")
    flow.store.writes.clear()
    monkeypatch.setenv("NETFHIR_SITE_KEY", "another-site-key-of-length")
    ran = flow("apply")
    assert ran.status == 74
    assert "ledger-owner" in ran.err
    assert flow.store.writes == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_run_waits_its_turn(flow: Flow, command: str) -> None:
    """While another run holds the state, a command ends with 75 and sends nothing."""
    flow("plan")
    trial, _, server = flow.folder.name.partition("@")
    flow.store.writes.clear()
    with held(flow.state, trial, server):
        ran = flow(command)
    assert ran.status == 75
    assert f"locked: process {os.getpid()}, since 20" in ran.err
    assert "wait for it to end" in ran.err
    assert flow.store.writes == []


def test_a_state_that_cannot_be_made_is_74(flow: Flow) -> None:
    """A file where the state folder should be is 74."""
    flow.state.write_text("in the way", encoding="utf-8")
    for command in COMMANDS:
        assert flow(command).status == 74


def test_server_tells_the_strategy_of_each_type(netfhir: CommandLine, flow: Flow) -> None:
    """`netfhir server URL` lists every type that we emit, how it is written, and why."""
    ran = netfhir("server", flow.store.base_url)
    assert ran.status == 0
    assert ran.out == ""
    assert re.search(r"Observation +put-id +PUT by id +statement: updateCreate", ran.err)
    assert "transactions of" in ran.err


def test_server_names_what_cannot_be_written(netfhir: CommandLine, flow: Flow) -> None:
    """A type that the server cannot take is unsupported, with the reason: 78."""
    flow.store.listed = ("Patient",)
    ran = netfhir("server", flow.store.base_url, "--json")
    assert ran.status == 78
    rows = {row["type"]: row for row in ran.document["types"]}
    assert rows["Observation"]["strategy"] == "unsupported"
    assert rows["Observation"]["why"] == "the statement does not list the type"
