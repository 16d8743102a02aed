"""A prescreen written back to real servers: once, then nothing; what people decide is kept."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

import hapi_validation
import own_base
from command_line import CommandLine, Ran
from netfhir.fhir import canonical
from netfhir.fhir.identity import SiteKey
from netfhir.trial.naming import Naming
from trial_exports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TRIAL = "NCT05987176"
FIXTURE = ROOT / "fixtures" / TRIAL
HEADERS = {"Content-Type": "application/fhir+json", "Cache-Control": "no-cache"}
PROPOSED = ("Group", "List", "MeasureReport", "ResearchSubject", "Task")
BASE = "https://netfhir.example/written-back"
KEY = "0123456789abcdef0123"
NAMING = Naming(TRIAL, BASE, "", SiteKey(KEY.encode()))
Json = dict[str, Any]


@pytest.fixture(params=["hapi_r4", "sekmet"])
def base_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each real server, which holds the hospital's data."""
    address = str(request.getfixturevalue(request.param).base_url)
    files = sorted(
        (FIXTURE / "hospital").glob("*.ndjson"), key=lambda path: "Patient" not in path.name
    )
    for path in files:
        lines = path.read_text("utf-8").splitlines()
        for start in range(0, len(lines), 50):
            load(address, [json.loads(line) for line in lines[start : start + 50]])
    return address


def load(base_url: str, bodies: list[Json]) -> None:
    """Put resources under their ids; the dirty ones that a server refuses stay away."""
    entries = []
    for body in bodies:
        body.pop("meta", None)
        request = {"method": "PUT", "url": f"{body['resourceType']}/{body['id']}"}
        entries.append({"resource": body, "request": request})
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    requests.post(base_url, json.dumps(batch), headers=HEADERS, timeout=120).raise_for_status()


def put(base_url: str, body: Json) -> None:
    """Put one resource as the hospital does."""
    url = f"{base_url}/{body['resourceType']}/{body['id']}"
    requests.put(url, json.dumps(body), headers=HEADERS, timeout=30)


def get(base_url: str, path: str) -> Json:
    """Read one resource."""
    found: Json = requests.get(f"{base_url}/{path}", headers=HEADERS, timeout=30).json()
    return found


@pytest.fixture
def netfhir(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Return the command line at a site with a key."""
    monkeypatch.setenv("NETFHIR_SITE_KEY", KEY)
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def site(tmp_path: Path) -> tuple[str | Path, ...]:
    """Return the options of the site's overlays."""
    own = own_base.overlay(tmp_path / "site", TRIAL, BASE)
    return ("--mappings", FIXTURE / "site", "--mappings", own)


def screened(netfhir: CommandLine, data: Path, out: Path, site: tuple[str | Path, ...]) -> Path:
    """Screen the data; return the folder."""
    netfhir("screen", TRIAL, "--data", data, "--out", out, "--as-of", "2026-05-04", *site)
    return out


def test_a_screening_is_written_back(
    base_url: str, netfhir: CommandLine, site: tuple[str | Path, ...], tmp_path: Path
) -> None:
    """Twice is once; a recruiter's status stays; a lost candidate is flagged; HAPI finds no error.

    One test, for each step builds on the one before, on servers that take seconds to fill.
    """
    state = ("--server", base_url, "--state", tmp_path / "state", "--json", *site)

    def run(command: str, folder: Path) -> Ran:
        return netfhir(command, TRIAL, "--screening", folder, *state)

    first = screened(netfhir, FIXTURE / "hospital", tmp_path / "first", site)
    done = run("apply", first)
    assert (done.status, done.document["summary"]["balanced"]) == (0, True), done.err
    assert run("verify", first).status == 0
    again = run("apply", first).document["summary"]
    assert again["outcomes"] == {"unchanged": again["planned"]}

    entries = the_list(base_url)["entry"]
    assert len(entries) == json.loads((first / "funnel.json").read_bytes())["ranked"]
    chosen = get(base_url, entries[0]["item"]["reference"])
    put(base_url, {**get(base_url, f"ResearchSubject/{chosen['id']}"), "status": "screening"})
    patient = chosen["individual"]["reference"].partition("/")[2]

    data = tmp_path / "data"
    shutil.copytree(FIXTURE / "hospital", data)
    too_ill = [{"system": "http://loinc.org", "code": "26515-7"}]
    low: Json = {"resourceType": "Observation", "id": "too-few", "status": "final"}
    low |= {"code": {"coding": too_ill}, "subject": {"reference": f"Patient/{patient}"}}
    low |= {"effectiveDateTime": "2026-05-03", "meta": {"versionId": "1"}}
    low["valueQuantity"] = {
        "value": 20,
        "unit": "10*9/L",
        "system": "http://unitsofmeasure.org",
        "code": "10*9/L",
    }
    (data / "Observation.later.ndjson").write_text(json.dumps(low) + "\n")
    load(base_url, [dict(low)])
    second = screened(netfhir, data, tmp_path / "second", site)
    assert run("apply", second).status == 0
    assert get(base_url, f"ResearchSubject/{chosen['id']}")["status"] == "screening"
    (entry,) = [
        one
        for one in the_list(base_url)["entry"]
        if one["item"]["reference"] == f"ResearchSubject/{chosen['id']}"
    ]
    assert entry["flag"]["coding"][0]["code"] == "no-longer-matches"
    again = run("apply", second).document["summary"]
    assert again["outcomes"] == {"unchanged": again["planned"]}
    if "sekmet" not in get(base_url, "metadata").get("software", {}).get("name", "").lower():
        assert_valid(base_url)


def the_list(base_url: str) -> Json:
    """Return the screening list, by its derived id."""
    name = NAMING.id(NAMING.key(form="screening", item="list"))
    return get(base_url, f"List/{name}")


def assert_valid(base_url: str) -> None:
    """Ask HAPI about everything that was proposed."""
    bodies: list[Json] = []
    for kind in PROPOSED:
        system = quote(f"{NAMING.base}|", safe="")
        url = f"{base_url}/{kind}?identifier={system}&_count=1000"
        page = canonical.resource(requests.get(url, headers=HEADERS, timeout=30).content)
        bodies += [entry["resource"] for entry in page.get("entry", ())]
    assert Counter(body["resourceType"] for body in bodies).keys() == set(PROPOSED)
    assert hapi_validation.errors(base_url, bodies) == {}
