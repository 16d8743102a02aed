"""Bad exports: each is refused or rejected with its place, what was expected and what to do."""

from __future__ import annotations

import gzip
import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bad_care_inputs import BAD_CARE
from bad_inputs import BAD_CELLS, BadCell
from export_copies import CsvCopy, redcap, sdtm
from netfhir.sources.xport_layout import layout

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Ran

CLEAN = {
    "redcap": {
        "adverse_event": 1,
        "consent": 2,
        "diagnosis": 4,
        "disease_status": 8,
        "dose": 6,
        "imaging_report": 14,
        "measurement": 438,
        "questionnaire_response": 12,
        "session": 2,
        "specimen": 42,
        "subject": 2,
        "surgery": 2,
        "visit": 24,
    },
    "msg": {"adverse_event": 11, "dose": 24, "measurement": 48, "subject": 2},
}
XPT_LENGTH = 13_040
"""Bytes of dm.xpt."""


def mapped(netfhir: CommandLine, source: Path, *more: str | Path) -> Ran:
    """Map a REDCap file or an SDTM folder into the folder `out`."""
    trial, name = ("CDISCPILOT01", "msg") if source.is_dir() else ("NCT05987176", "redcap")
    return netfhir("map", trial, "--format", name, "--source", source, "--out", "out", *more)


def rejects(folder: Path) -> list[dict[str, str]]:
    """Return what `rejects.ndjson` says."""
    lines = (folder / "out" / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def facts(folder: Path) -> dict[str, Any]:
    """Return the sums of `summary.json`; the study, which no export holds, left out."""
    summary = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["balanced"] is True
    del summary["facts"]["study"]
    return dict(summary["facts"])


def copies(folder: Path, name: str, request: pytest.FixtureRequest) -> tuple[Path, CsvCopy]:
    """Return the source to be mapped, and the file of it that is to be damaged."""
    if name == "data":
        export = redcap(folder / "export")
        return export.path, export
    made = sdtm(folder / "export", request.getfixturevalue("shared_data"))
    return folder / "export", made[name]


@pytest.mark.parametrize("bad", [*BAD_CELLS, *BAD_CARE], ids=lambda bad: bad.name)
def test_a_bad_cell_is_rejected(
    netfhir: CommandLine, tmp_path: Path, request: pytest.FixtureRequest, bad: BadCell
) -> None:
    """A bad cell costs its own facts alone: place, expectation and remedy are told, and 65."""
    source, file = copies(tmp_path, bad.file, request)
    where = file.set(bad.column, bad.cell, bad.line)
    if bad.told_at:
        where = where.removesuffix(bad.column) + bad.told_at
    ran = mapped(netfhir, source)
    assert ran.status == 65
    told = rejects(tmp_path)
    assert (told[0]["where"], told[0]["code"]) == (where, bad.code)
    assert bad.expected in told[0]["expected"]
    assert bad.remedy in told[0]["remedy"]
    assert f"{where}: {bad.code}" in ran.err
    assert len(told) == sum(bad.lost.values())
    for name, clean in CLEAN["redcap" if bad.file == "data" else "msg"].items():
        given, lost = clean + bad.more.get(name, 0), bad.lost.get(name, 0)
        assert facts(tmp_path)[name] == {
            "input": given,
            "mapped": given - lost,
            "rejected": lost,
        }, name


def test_every_reject_of_a_rejected_subject_says_what_to_do(
    netfhir: CommandLine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The facts of a subject whose record was rejected are rejects, each with a remedy."""
    source, file = copies(tmp_path, "dm", request)
    file.set("SITEID", "999")
    mapped(netfhir, source)
    told = rejects(tmp_path)
    assert {reject["code"] for reject in told} == {"unknown-site", "subject-rejected"}
    assert all(reject["remedy"] and reject["found"] for reject in told)


class Twice(NamedTuple):
    """A line that is repeated at the end of its file."""

    file: str
    line: int
    entity: str
    where: str
    code: str


@pytest.mark.parametrize(
    "twice",
    [
        Twice("data", 3, "subject", "data.csv:{}", "duplicate-record"),
        Twice("lb", 3, "measurement", "lb.csv:{}:LBORRES", "duplicate-row"),
        Twice("ex", 3, "dose", "ex.csv:{}:EXSTDTC", "duplicate-row"),
        Twice("dm", 2, "subject", "dm.csv:{}:USUBJID", "duplicate-subject"),
    ],
    ids=lambda twice: twice.file,
)
def test_a_duplicated_row_is_rejected(
    netfhir: CommandLine, tmp_path: Path, request: pytest.FixtureRequest, twice: Twice
) -> None:
    """The second of two equal rows is a reject, told with its place; the first is mapped."""
    source, file = copies(tmp_path, twice.file, request)
    second = file.repeat(twice.line)
    assert mapped(netfhir, source).status == 65
    (told,) = rejects(tmp_path)
    assert (told["where"], told["code"]) == (twice.where.format(second), twice.code)
    assert told["expected"]
    assert told["remedy"]
    clean = CLEAN["redcap" if twice.file == "data" else "msg"][twice.entity]
    assert facts(tmp_path)[twice.entity] == {"input": clean + 1, "mapped": clean, "rejected": 1}


class Dropped(NamedTuple):
    """A column that is left out of its file."""

    file: str
    column: str
    code: str
    expected: str


@pytest.mark.parametrize(
    "dropped",
    [
        Dropped("data", "lab_plt", "dictionary-mismatch", "every field of the dictionary"),
        Dropped("data", "record_id", "dictionary-mismatch", "every field of the dictionary"),
        Dropped("lb", "LBORRESU", "missing-column", "the column `LBORRESU`"),
        Dropped("ds", "DSDECOD", "missing-column", "the column `DSDECOD`"),
    ],
    ids=lambda dropped: dropped.column,
)
def test_a_missing_column_stops_the_run(
    netfhir: CommandLine, tmp_path: Path, request: pytest.FixtureRequest, dropped: Dropped
) -> None:
    """A file without a declared column is refused as a whole, before a row is mapped."""
    source, file = copies(tmp_path, dropped.file, request)
    file.drop_column(dropped.column)
    ran = mapped(netfhir, source)
    assert ran.status == 65
    assert f"{file.path.name}:1:{dropped.column}: {dropped.code}" in ran.err
    assert f"expected {dropped.expected}" in ran.err
    assert "export" in ran.err
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_dictionary_of_another_project_stops_the_run(
    netfhir: CommandLine, export: CsvCopy
) -> None:
    """A dictionary that does not have the export's columns is refused, naming the column."""
    dictionary = CsvCopy(export.path.parent / "dictionary.csv")
    line = [row[0] for row in dictionary.rows()].index("lab_plt") + 1
    dictionary.set(dictionary.rows()[0][0], "lab_thrombocytes", line)
    ran = mapped(netfhir, export.path)
    assert ran.status == 65
    assert "data.csv:1:lab_plt: dictionary-mismatch" in ran.err
    assert "expected fields of the dictionary" in ran.err
    assert "use the dictionary of the same project" in ran.err


@pytest.mark.parametrize("kept", [0, 1, 79, 240, 800, 1_000, 5_000, 9_999, XPT_LENGTH - 1])
def test_a_cut_xpt_stops_the_run(
    netfhir: CommandLine, shared_data: Path, tmp_path: Path, kept: int
) -> None:
    """An XPT that ends too early is refused: pyreadstat alone would say nothing."""
    folder = xpt(tmp_path, shared_data)
    octets = (folder / "dm.xpt").read_bytes()
    assert len(octets) == XPT_LENGTH
    (folder / "dm.xpt").write_bytes(octets[:kept])
    ran = mapped(netfhir, folder)
    assert ran.status == 65
    assert ran.err.startswith("netfhir: dm.xpt")
    assert "; expected " in ran.err
    assert "again" in ran.err or "check that the file is what its name says" in ran.err
    assert not (tmp_path / "out" / "summary.json").exists()


def xpt(folder: Path, shared: Path) -> Path:
    """Return a folder with the pilot's XPT files, the two long ones cut after a whole row."""
    made = folder / "xpt"
    made.mkdir()
    for path in (shared / "sdtm" / "cdisc-datasetjson").glob("*.xpt*"):
        if path.suffix == ".xpt":
            shutil.copyfile(path, made / path.name)
        else:
            (made / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    for name in ("ex", "lb", "vs"):
        cut_at_a_row(made / f"{name}.xpt")
    return made


def cut_at_a_row(path: Path) -> int:
    """Cut a file at the first boundary of rows and of records; return the rows that are left."""
    octets = path.read_bytes()
    with path.open("rb") as stream:
        length = layout(stream, path.name).row_length
    start = octets.index(b"HEADER RECORD*******OBS") + 80
    rows = next(rows for rows in range(1, 81) if rows * length % 80 == 0)
    path.write_bytes(octets[: start + rows * length])
    return rows


def test_an_xpt_cut_between_rows_is_told_by_its_stated_rows(
    netfhir: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    """Where the sender states the number of rows, a well-formed but shorter file is refused."""
    folder = xpt(tmp_path, shared_data)
    overlay = tmp_path / "site" / "CDISCPILOT01" / "sources"
    overlay.mkdir(parents=True)
    (overlay / "msg.toml").write_text("override = true\nrows = { LB = 3488 }\n", encoding="utf-8")
    assert mapped(netfhir, folder).status == 0, "without a stated number nothing can be known"
    ran = mapped(netfhir, folder, "--mappings", tmp_path / "site")
    assert ran.status == 65
    assert "lb.xpt: row-count: " in ran.err
    assert "expected 3488 rows" in ran.err
    assert "fetch the file again" in ran.err
    assert not (tmp_path / "out" / "summary.json").exists(), "sums of an earlier run"


@pytest.mark.parametrize(
    ("name", "where"), [("data", "data.csv: missing-file"), ("lb", "export: missing-file")]
)
def test_a_missing_file_is_named(
    netfhir: CommandLine, tmp_path: Path, request: pytest.FixtureRequest, name: str, where: str
) -> None:
    """A file that is not there is named, with what stands in its place and what to do."""
    source, file = copies(tmp_path, name, request)
    file.path.unlink()
    ran = mapped(netfhir, source)
    assert ran.status == 65
    assert where in ran.err
    assert "; expected " in ran.err
    assert "check --source" in ran.err or "add the file" in ran.err


def test_a_missing_source_folder_is_named(netfhir: CommandLine, tmp_path: Path) -> None:
    """A --source that does not exist is told as such."""
    arguments = ["map", "CDISCPILOT01", "--format", "msg", "--source", "nowhere", "--out", "out"]
    ran = netfhir(*arguments)
    assert ran.status == 65
    assert "nowhere: missing-source: no such folder; expected a folder" in ran.err
    assert "check the path" in ran.err
    assert not list(tmp_path.glob("out/*.json"))


def test_a_ragged_row_is_rejected(netfhir: CommandLine, tmp_path: Path, export: CsvCopy) -> None:
    """A row with too few cells is a reject with its line; the rest is mapped."""
    lines = len(export.rows())
    with export.path.open("a", encoding="utf-8") as file:
        file.write("S01-001,visit\n")
    assert mapped(netfhir, export.path).status == 65
    (told,) = rejects(tmp_path)
    assert (told["where"], told["code"]) == (f"data.csv:{lines + 1}", "ragged-row")
    assert facts(tmp_path)["measurement"]["mapped"] == CLEAN["redcap"]["measurement"]


def test_a_subject_asked_for_in_vain_is_an_error(netfhir: CommandLine, export: CsvCopy) -> None:
    """A --subject that the export does not hold ends with 65, not with an empty success."""
    ran = mapped(netfhir, export.path, "--subject", "S99-999", "--subject", "S01-001")
    assert ran.status == 65
    assert "--subject: unknown-subject: 1 of 2 subjects without a fact" in ran.err
    assert "correct the spelling" in ran.err
    assert "S99" not in ran.err


def test_a_second_death_is_rejected(netfhir: CommandLine, tmp_path: Path, export: CsvCopy) -> None:
    """Nobody dies twice: the first record is mapped, the second is told with its place."""
    rows = export.rows()
    once = rows[0].index("redcap_repeat_instrument")
    lines = [at for at, row in enumerate(rows, 1) if row[0] == "S01-001" and not row[once]]
    for line in lines[-2:]:
        export.set("dth_date", "2025-09-01", line)
    assert mapped(netfhir, export.path).status == 65
    (told,) = rejects(tmp_path)
    assert (told["code"], told["where"]) == ("duplicate-row", f"data.csv:{lines[-1]}:dth_date")
    assert facts(tmp_path)["death"] == {"input": 2, "mapped": 1, "rejected": 1}
