"""No patient value in a log, an error, a URL, a file name or the ledger: marked values, searched.

Values may stand in two places: the staging of a run, and the resources that `map` writes.
"""

from __future__ import annotations

import io
import json
import sqlite3
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from command_line import CommandLine, Flow, Ran
    from export_copies import CsvCopy

SENT, PARKED, DOUBTFUL = "S77-717", "S66-616", "S55-515"
MRN = "9998887776665"
MARKS = {
    "the subject's number": SENT,
    "the number of a subject without a patient": PARKED,
    "the number of a subject whose record is rejected": DOUBTFUL,
    "initials": "QZXINITIALS",
    "free text": "ZEBRAFISHREASON",
    "free text of a dose": "OKAPIREASON",
    "a result": "98765.4321",
    "a result that is no number": "KUDUNUMBER",
    "a year": "1937",
    "a lot": "LOTMARK717",
    "a randomisation number": "RNDMARK717",
    "a code that is none": "GNUCODE",
    "the patient's identifier": MRN,
    "the patient's name": "Xylophonovic",
    "what the server says": "CANARY",
}


def marked(export: CsvCopy, crosswalk: CsvCopy) -> None:
    """Give both subjects values that stand nowhere else; one of them has no patient."""
    renamed = {"S01-001": SENT, "S01-002": PARKED}
    header, *rows = export.rows()
    export.write([header, *([renamed.get(cell, cell) for cell in row] for row in rows)])
    for column, mark in (
        ("initials", "QZXINITIALS"),
        ("participation_reason", "ZEBRAFISHREASON"),
        ("randomisation_number", "RNDMARK717"),
        ("consent_date", "1937-03-09"),
        ("liver_resection_date", "1937-04-09"),
        ("lab_datetime", "1937-05-09 08:50"),
        ("lab_cga", "98765.4321"),
        ("prrt_lot", "LOTMARK717"),
        ("prrt_reason", "OKAPIREASON"),
    ):
        line = 2 if column == "participation_reason" else export.line_with("prrt_lot")
        export.set(column, mark, line if column.endswith("_reason") else 0)
    crosswalk.write([crosswalk.rows()[0], [SENT, "https://hospital.example/mrn", MRN]])


def damaged(export: CsvCopy) -> int:
    """Add rejects of many kinds, each on a marked cell; return how many at least."""
    rows = export.rows()
    later = len(rows) // 4
    for column, mark in (
        ("lab_plt", "KUDUNUMBER"),
        ("lab_cga", "KUDUNUMBER"),
        ("vs_date", "1937-02-30"),
        ("ps_score", "GNUCODE"),
    ):
        at = rows[0].index(column)
        line = next(n for n, row in enumerate(rows[later:], later + 1) if row[at])
        export.set(column, mark, line)
    rows = export.rows()
    again = [DOUBTFUL if cell == SENT else cell for cell in rows[1]]
    again[rows[0].index("site")] = "GNUCODE"
    spare = [DOUBTFUL, "GNUCODE", *rows[1][2:]]
    ragged = [DOUBTFUL, "ZEBRAFISHREASON"]
    export.write([*rows, rows[2], again, spare, ragged])
    return 8


@dataclass
class Written:
    """Everything that a run wrote where no value may stand, each with its place."""

    flow: Flow
    http: HTTPServer
    out: Path
    told: list[tuple[str, str]] = field(default_factory=list)

    def run(self, command: str, *more: str | Path) -> Ran:
        """Run a command and keep what it says."""
        return self.keep(command, self.flow(command, *more))

    def keep(self, command: str, ran: Ran) -> Ran:
        """Keep what a command said."""
        self.told += [(f"stdout of {command}", ran.out), (f"stderr of {command}", ran.err)]
        return ran

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield (place, text) of all that was written."""
        yield from self.told
        yield from _requests(self.http)
        yield from _files(self.flow.state)
        for path in (self.out / "rejects.ndjson", self.out / "summary.json"):
            if path.is_file():
                yield path.name, path.read_text(encoding="utf-8")
        yield from (("a name", str(path)) for root in self._roots() for path in root.rglob("*"))

    def found(self) -> list[str]:
        """Return which marks stand where they must not."""
        return [
            f"{what} in {place}"
            for place, text in self.texts()
            for what, mark in MARKS.items()
            if mark.lower() in text.lower()
        ]

    def _roots(self) -> Iterable[Path]:
        return self.flow.state, self.out


def _requests(http: HTTPServer) -> Iterator[tuple[str, str]]:
    for request, _ in http.log:
        yield f"URL of {request.method}", request.url
        yield f"headers of {request.method} {request.path}", str(request.headers)


def _files(state: Path) -> Iterator[tuple[str, str]]:
    for path in state.rglob("*"):
        if path.is_file() and not path.name.startswith("staging.sqlite"):
            yield path.name, path.read_bytes().decode("latin-1")
        if path.name == "ledger.sqlite":
            yield from _tables(path)


def _tables(path: Path) -> Iterator[tuple[str, str]]:
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in connection.execute(f"SELECT * FROM {name}"):  # noqa: S608 - its own table names
            yield f"ledger, table {name}", " ".join(str(cell) for cell in row)
    connection.close()
    assert "resource" in names


def echoing(request: Request, process: Callable[[], Response]) -> Response:
    """Handle the request; where it is refused, answer with an outcome that quotes all of it."""
    reply = process()
    if reply.status_code < 400:
        return reply
    quoted = request.get_data().decode() + " ".join(MARKS.values())
    issue = {
        "severity": "error",
        "code": quoted,
        "diagnostics": quoted,
        "details": {"text": quoted},
        "expression": [f"Observation.where(value = '{quoted}')"],
    }
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, reply.status_code, content_type="application/fhir+json")


@pytest.fixture
def written(flow: Flow, http_of_hospital: HTTPServer, tmp_path: Path) -> Written:
    """Return a hospital with one marked patient, and a marked export."""
    marked(flow.export, flow.crosswalk)
    flow.store.put(
        {
            "resourceType": "Patient",
            "id": "pat-marked",
            "identifier": [{"system": "https://hospital.example/mrn", "value": MRN}],
            "name": [{"family": "Xylophonovic"}],
        }
    )
    flow.store.faults.extend([echoing] * 1_000)
    return Written(flow, http_of_hospital, tmp_path / "out")


def mapped(written: Written, netfhir: CommandLine) -> Ran:
    """Map the export, too."""
    source = written.flow.export.path
    arguments = ("map", written.flow.trial, "--format", "redcap", "--source", source)
    return written.keep("map", netfhir(*arguments, "--out", written.out))


def bodies(path: Path) -> str:
    """Return all resources of a folder of FHIR files as one text."""
    return "".join(file.read_text(encoding="utf-8") for file in path.glob("[A-Z]*.ndjson"))


def test_a_whole_run_writes_no_patient_value(written: Written, netfhir: CommandLine) -> None:
    """Map, plan, apply and verify, with rejects, a parked subject, refusals that quote, a conflict.

    The marks are in what was mapped, so that their absence elsewhere says something.
    """
    store, export = written.flow.store, written.flow.export
    assert mapped(written, netfhir).status == 0
    for what in ("a result", "a year", "a lot", "free text of a dose", "the subject's number"):
        assert MARKS[what].lower() in bodies(written.out).lower(), what
    least = damaged(export)
    assert mapped(written, netfhir).status == 65
    told = (written.out / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(told) >= least
    assert len({json.loads(line)["code"] for line in told}) >= 5
    store.refuses = lambda body: 422 if "batch" in body else 0
    assert written.run("plan").status == 65
    applied = written.run("apply", "--json")
    outcomes = applied.document["summary"]["outcomes"]
    assert outcomes.keys() == {"acknowledged", "parked", "dead", "blocked"}
    changed_by_a_person(written)
    export.set("lab_cga", "198765.4321")
    assert written.run("plan", "--json").status == 65
    again = written.run("apply", "--json")
    assert again.document["summary"]["outcomes"]["conflict"] == 1
    assert written.run("verify", "--json").document["different"]
    assert written.found() == []


def changed_by_a_person(written: Written) -> None:
    """Change the marked result in the hospital."""
    store = written.flow.store
    (body,) = (b for b in store.held.values() if value_of(b) == 98765.4321)
    store.put({**body, "valueQuantity": {**body["valueQuantity"], "value": 298765.4321}})


def value_of(body: dict[str, Any]) -> object:
    """Return the number of an Observation."""
    return body.get("valueQuantity", {}).get("value")


def test_errors_of_a_run_write_no_patient_value(written: Written, netfhir: CommandLine) -> None:
    """Nor do a bad crosswalk, a file that is no CSV, a header that is none, an unknown subject."""
    flow = written.flow
    whole, export = flow.crosswalk.rows(), flow.export.path.read_text(encoding="utf-8")
    flow.crosswalk.write([*whole, [PARKED, *whole[1][1:]]])
    assert written.run("plan").status == 78
    flow.crosswalk.write([*whole, [PARKED, MRN]])
    assert written.run("apply").status == 78
    flow.crosswalk.write(whole)
    assert written.run("plan", "--subject", f"{SENT}X").status == 65
    first = export.splitlines()[1]
    for text in (
        export.partition("\n")[2],
        export.replace(first, f'"{first}'),
        export.replace(first, f"{first}\0"),
        f"{first};{SENT}\n",
    ):
        flow.export.path.write_text(text, encoding="utf-8")
        assert written.run("plan").status == 65
        assert mapped(written, netfhir).status == 65
    assert written.found() == []


class BrokenPipe(io.StringIO):
    """A stdout that fails, with what was to be written in its error."""

    def write(self, text: str) -> int:
        """Fail as a bug does: with a value in the message."""
        raise RuntimeError(f"cannot write {text!r}")


def test_a_bug_writes_no_patient_value(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw, with values in its text, is told by its place alone: 70."""
    written.run("apply")
    written.flow.export.set("lab_cga", "198765.4321")
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", BrokenPipe())
        ran = written.flow("plan", "--json", "--values")
    assert ran.status == 70
    asked_for, _, last = ran.err.rpartition("netfhir: ")
    written.told.append(("the last line of stderr", last))
    assert "98765.4321" in asked_for
    assert last.startswith("bug: RuntimeError at printing.py:")
    assert written.found() == []


def test_what_holds_values_is_the_owners_alone(written: Written, netfhir: CommandLine) -> None:
    """Folders are 0700 and files 0600, whichever command makes them first."""
    mapped(written, netfhir)
    written.run("plan")
    written.run("apply")
    seen: dict[str, int] = {}
    for root in (written.flow.state, written.out):
        for path in [root, *(path for path in root.rglob("*") if path.name != "lock")]:
            seen[path.name] = mode(path)
            assert seen[path.name] == (0o700 if path.is_dir() else 0o600), path.name
    assert {"staging.sqlite", "ledger.sqlite", "journal.ndjson", "Observation.ndjson"} <= set(seen)


def mode(path: Path) -> int:
    """Return the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)
