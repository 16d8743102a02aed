"""docs/formats.md lists the keys of real documents: none is missing, none is made up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from documents import marked
from fhir_store import answers, reshaped
from netfhir.fhir.identity import identifiers_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine, Ran
    from export_copies import CsvCopy
    from fhir_store import FhirStore

TOLD = {
    part.what: [row[0] for row in part.rows()] for part in marked("docs/formats.md", "document")
}
#: Tables whose keys are names: each stands as `*`.
NAMED = {"facts", "left_out", "resources", "outcomes", "types", "actions", "counts"}
NAMED |= {"reasons", "remarks", "derived", "verdicts", "kept", "withheld", "gone", "rows"}
ERROR = set(TOLD["rejects"])


def _keys(body: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of a document's leaves, an error as one leaf."""
    if isinstance(body, dict) and {"code", "where"} <= body.keys() <= ERROR and path:
        yield path
    elif path == "counts":
        yield f"{path}.*"
    elif isinstance(body, dict):
        for name, value in body.items():
            shown = "*" if path.rpartition(".")[2] in NAMED else name
            yield from _keys(value, f"{path}.{shown}" if path else shown)
    elif isinstance(body, list):
        for item in body:
            yield from _keys(item, f"{path}[]")
    else:
        yield path


def _seen(*documents: Any) -> set[str]:
    return {key for document in documents for key in _keys(document)}


@pytest.fixture
def flow(netfhir: CommandLine, export: CsvCopy, hospital: FhirStore) -> Flow:
    """Return the commands on one export and one server."""
    return Flow(netfhir, export, hospital)


class Flow:
    """Commands with the options that they have in common."""

    def __init__(self, netfhir: CommandLine, export: CsvCopy, hospital: FhirStore) -> None:
        """Keep the command, the export and the server."""
        self.netfhir = netfhir
        self.export = export
        self.hospital = hospital
        self.folder = export.path.parent

    def map(self, out: Path, *more: str) -> Ran:
        """Map the export."""
        return self._run("map", "--out", out, *more)

    def sync(self, command: str | tuple[str, str], *more: str) -> Ran:
        """Run a command against the server."""
        crosswalk = self.folder / "crosswalk.csv"
        return self._run(command, "--crosswalk", crosswalk, *self._state, "--json", *more)

    def kept(self, *command: str) -> Ran:
        """Run a command that needs no export."""
        return self.netfhir(*command, "NCT05987176", *self._state, "--json")

    def amend(self, item: str) -> None:
        """Let somebody at the hospital amend the resources of an item."""
        for path, body in list(self.hospital.held.items()):
            if any(f"|{item}|" in i["value"] for i in identifiers_of(body)):
                self.hospital.put({**self.hospital.held[path], "status": "amended"})

    def merge(self, subject: str) -> None:
        """Let the hospital merge a subject's Patient into another."""
        crosswalk = (self.folder / "crosswalk.csv").read_text(encoding="utf-8").splitlines()
        (value,) = [line.split(",")[2] for line in crosswalk if line.startswith(subject)]
        link = [{"other": {"reference": "Patient/survivor"}, "type": "replaced-by"}]
        self.hospital.put({"resourceType": "Patient", "id": "survivor"})
        for body in list(self.hospital.held.values()):
            if any(i["value"] == value for i in identifiers_of(body)):
                self.hospital.put({**body, "link": link})

    def without_patient(self, subject: str) -> None:
        """Take a subject out of the crosswalk."""
        path = self.folder / "crosswalk.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(x for x in lines if not x.startswith(subject)), encoding="utf-8")

    @property
    def _state(self) -> tuple[str | Path, ...]:
        return ("--server", self.hospital.base_url, "--state", self.folder / "state")

    def _run(self, command: str | tuple[str, str], *more: str | Path) -> Ran:
        source = ("--format", "redcap", "--source", self.export.path)
        words = (command,) if isinstance(command, str) else command
        return self.netfhir(*words, "NCT05987176", *source, *more)


def test_files_of_map(flow: Flow, tmp_path: Path) -> None:
    """summary.json and rejects.ndjson have the keys that are listed."""
    flow.export.set("lab_plt", "abc")
    flow.export.set("prrt_activity", "4.60")
    ran = flow.map(tmp_path / "out", "--json", "--limit", "1")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary == ran.document
    assert _seen(summary) == set(TOLD["summary"])
    lines = (tmp_path / "out" / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert _seen(*map(json.loads, lines)) == ERROR


def test_plan(flow: Flow) -> None:
    """`plan --json` has the keys that are listed, for new, changed and parked rows and rejects."""
    flow.without_patient("S01-002")
    flow.sync("apply")
    flow.amend("platelets")
    flow.merge("S01-001")
    flow.export.set("lab_plt", "249")
    flow.export.set("lab_hb", "abc")
    seen = _seen(flow.sync("plan").document)
    values = {"rows[].changes[].before", "rows[].changes[].after"}
    assert seen == set(TOLD["plan"]) - values
    assert seen | values == _seen(flow.sync("plan", "--values").document)


def _warned(reply: Any) -> Any:
    issue = {"severity": "warning", "code": "informational"}
    reply["entry"][0]["response"]["outcome"] = {
        "resourceType": "OperationOutcome",
        "issue": [issue],
    }
    return reply


def test_apply(flow: Flow) -> None:
    """`apply --json` has the keys that are listed, of a stopped run and of one with rejects."""
    flow.hospital.faults.append(reshaped(_warned))
    first = flow.sync("apply")
    flow.amend("platelets")
    flow.merge("S01-001")
    flow.export.set("lab_plt", "249")
    flow.export.set("lab_hb", "abc")
    flow.hospital.faults.append(answers(401))
    stopped = flow.sync("apply")
    done = flow.sync("apply")
    flow.export.set("lab_hb", "")
    gone = flow.sync("apply")
    seen = _seen(*(ran.document for ran in (first, stopped, done, gone)))
    assert seen == set(TOLD["apply"])


def test_retract(flow: Flow) -> None:
    """`retract --json` has the keys that are listed, shown and done."""
    flow.sync("apply")
    flow.amend("platelets")
    flow.export.set("lab_plt", "")
    flow.export.set("lab_wbc", "")
    shown = flow.sync("retract", "--why", "entered twice")
    flow.export.set("lab_hb", "abc")
    rejected = flow.sync("retract", "--why", "entered twice")
    flow.export.set("lab_hb", "12.1")
    done = flow.sync("retract", "--why", "entered twice", "--yes")
    seen = _seen(shown.document, rejected.document, done.document)
    assert seen == set(TOLD["retract"])


def test_ledger_and_dead_letters(flow: Flow) -> None:
    """`ledger status`, `ledger rebuild` and `dead list` have the keys that are listed."""
    flow.hospital.refuses = lambda body: 422 if body["resourceType"] == "Procedure" else 0
    flow.sync("apply")
    flow.hospital.refuses = lambda _: 0
    assert _seen(flow.kept("dead", "list").document) == set(TOLD["dead-list"])
    status = {
        re.sub(r"(counts)\..*", r"\1.*", re.sub(r"(rows\.\*)\..*", r"\1.*", key))
        for key in _seen(flow.kept("ledger", "status").document)
    }
    assert status == set(TOLD["ledger-status"])
    observation = next(path for path in flow.hospital.held if path.startswith("Observation/"))
    flow.hospital.put({**flow.hospital.held[observation], "status": "amended"})
    flow.export.set("lab_hb", "abc")
    found = _seen(flow.sync(("ledger", "rebuild"), "--replace").document)
    assert found | {"not_searchable[]"} == set(TOLD["ledger-rebuild"])


def test_verify_and_journal(flow: Flow) -> None:
    """`verify --json` and the journal have the keys that are listed."""
    flow.sync("apply")
    held = flow.hospital.held
    one, two, three, four = [p for p in sorted(held) if p.startswith("Observation/")][:4]
    flow.hospital.put(held[four])
    flow.hospital.put({**held[one], "id": "a-copy"})
    del held[two]
    held[three] = {**held[three], "status": "amended"}
    flow.amend("platelets")
    found = flow.sync("verify").document
    told = set(TOLD["verify"]) - {"not_checkable[]"}
    assert found.pop("not_checkable") == []
    assert _seen(found) == told
    (flow.folder / "crosswalk.csv").write_text("no header\n", encoding="utf-8")
    flow.sync("apply")
    lines = (flow.folder / "state" / "journal.ndjson").read_text(encoding="utf-8").splitlines()
    assert _seen(*map(json.loads, lines)) == set(TOLD["journal"])


def test_server(flow: Flow) -> None:
    """`server --json` has the keys that are listed."""
    flow.hospital.can = ("read", "create", "update", "delete")
    plain = flow.netfhir("server", flow.hospital.base_url, "--json").document
    flow.hospital.undeletable = True
    probed = flow.netfhir("server", flow.hospital.base_url, "--probe", "--json").document
    told = set(TOLD["server"])
    assert _seen(plain) == {key for key in told if not key.startswith("probe.")}
    assert _seen(probed) == told


def test_check(netfhir: CommandLine, tmp_path: Path) -> None:
    """`check --json` has the keys that are listed, with a finding."""
    overlay = tmp_path / "site" / "NCT05987176"
    overlay.mkdir(parents=True)
    (overlay / "codes.toml").write_text('[units]\n"furlong" = "furlong"\n', encoding="utf-8")
    ran = netfhir("check", "NCT05987176", "--mappings", tmp_path / "site", "--json")
    assert _seen(ran.document) == set(TOLD["check"])


def test_check_of_an_export(netfhir: CommandLine, export: CsvCopy) -> None:
    """`check --source --json` has the keys that are listed, with a reject."""
    export.set("lab_plt", "abc")
    source = ("--format", "redcap", "--source", export.path, "--as-of", "2025-10-15")
    ran = netfhir("check", "NCT05987176", *source, "--json")
    assert ran.status == 65
    assert _seen(ran.document) == set(TOLD["check-source"])
