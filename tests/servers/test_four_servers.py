"""One trial's export at four servers, each with its own strategies, from the command line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer

import refusing_server
from command_line import CommandLine
from export_copies import FIXTURES, CsvCopy, redcap
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRIAL = "NCT05987176"
SITE_KEY = "a-site-key-for-four-servers"

#: The strategies of each server, and what it cannot take.
PUT_ID = {"put-id"}
STRATEGIES = {
    "hapi_r4": PUT_ID,
    "sekmet": PUT_ID,
    # FHIR R4 has no search of AdverseEvent by identifier.
    "medplum": {"conditional-post", "search-post"},
    "epic": {"search-post", "unsupported"},
    "oracle": {"search-post", "unsupported"},
}
TAKEN = {"epic": {"Observation"}, "oracle": {"Observation", "Procedure"}}


@dataclass(frozen=True)
class Place:
    """One server, and the command line that goes to it."""

    name: str
    netfhir: CommandLine
    export: CsvCopy

    def __call__(self, command: str, *more: str) -> Any:
        """Run a command on the export; return its document with its status."""
        folder = self.export.path.parent
        given: dict[str, str | Path] = {
            "--format": "redcap",
            "--source": self.export.path,
            "--server": self.name,
            "--crosswalk": folder / "crosswalk.csv",
            "--state": folder / "state",
        }
        options = [part for name, value in given.items() for part in (name, value)]
        ran = self.netfhir(command, TRIAL, *options, "--json", *more)
        return {"status": ran.status, **ran.document}


def _patients() -> list[dict[str, Any]]:
    text = (FIXTURES / "hospital" / "Patient.ndjson").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return the HTTP server of the refusing flavours."""
    with HTTPServer(threaded=True) as server:
        yield server


def _address(name: str, request: pytest.FixtureRequest) -> str:
    """Return the base address of a server that holds the hospital's patients."""
    if name in TAKEN:
        server = request.getfixturevalue("http")
        return str(getattr(refusing_server, name)(server, _patients()).base_url)
    base_url = str(request.getfixturevalue(name).base_url)
    transport = Transport(ServerSettings(name=name, base_url=base_url))
    for body in _patients():
        Client(transport).put(f"Patient/{body['id']}", to_bytes(body))
    transport.close()
    return base_url


@pytest.fixture(params=STRATEGIES)
def place(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Place:
    """Return each server, declared in the settings, and an export of two subjects."""
    monkeypatch.setenv("NETFHIR_SITE_KEY", SITE_KEY)
    monkeypatch.chdir(tmp_path)
    base_url = _address(request.param, request)
    table = f'[servers.{request.param}]\nbase_url = "{base_url}"\n'
    table += 'profile = "oracle"\n' if request.param == "oracle" else ""
    (tmp_path / "netfhir.toml").write_text(table, encoding="utf-8")
    return Place(request.param, CommandLine(monkeypatch, capsys), redcap(tmp_path / "export"))


def _sums(ran: Any) -> dict[str, int]:
    """Return what became of the export's rows: balanced, each Provenance of the run left out."""
    summary = ran["summary"]
    assert summary["balanced"] is True
    assert sum(summary["outcomes"].values()) == summary["planned"]
    counted: Counter[str] = Counter()
    for name, counts in summary["types"].items():
        counted.update(counts["outcomes"] if name != "Provenance" else {})
    return dict(counted)


def _proven(ran: Any) -> int:
    return int(ran["summary"]["types"].get("Provenance", {}).get("planned", 0))


def _taken(ran: Any, name: str) -> int:
    """Return how many of the planned rows the server can take."""
    types = ran["summary"]["types"]
    kept = TAKEN.get(name, set(types))
    return sum(int(counts["planned"]) for kind, counts in types.items() if kind in kept)


def test_one_trial_at_four_servers(place: Place) -> None:
    """Its own strategies; all that it can take lands once, stays, and one change is one write.

    What it cannot take is unsupported in the plan already, and is never sent.
    """
    told = place.netfhir("server", place.name, "--json")
    strategies = {row["strategy"] for row in told.document["types"]}
    assert strategies == STRATEGIES[place.name]
    left = 65 if place.name in TAKEN else 0

    planned = place("plan")
    takes = _taken(planned, place.name)
    lost = {"unsupported": planned["summary"]["planned"] - takes} if left else {}
    assert _sums(planned) == {"pending": takes, **lost}

    applied = place("apply")
    assert (_sums(applied), applied["status"]) == ({"acknowledged": takes, **lost}, left)
    verified = place("verify")
    assert (verified["read"], verified["status"]) == (takes + _proven(applied), 0)
    assert [name for name in ("missing", "different", "duplicate") if verified[name]] == []

    again = place("apply")
    assert (_sums(again), again["status"]) == ({"unchanged": takes, **lost}, left)

    place.export.set("lab_plt", "317")
    changed = place("apply")
    assert _sums(changed) == {"acknowledged": 1, "unchanged": takes - 1, **lost}
    assert place("verify")["status"] == 0
