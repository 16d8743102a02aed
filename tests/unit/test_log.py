"""The run journal: named and harmless fields only."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netfhir import log

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2025, 1, 2, 12, 0, 0, 999, tzinfo=UTC)


def test_a_line_has_time_event_and_context(tmp_path: Path) -> None:
    """One JSON object a line; the time is the one it is told."""
    with log.journal(tmp_path / "j", lambda: NOON, run="7") as journal:
        journal.info("begun", trial="T")
        journal.info("ended", counts={"dose": 2})
    lines = [json.loads(line) for line in (tmp_path / "j").read_bytes().splitlines()]
    assert lines == [
        {"time": "2025-01-02T12:00:00+00:00", "event": "begun", "trial": "T", "run": "7"},
        {"time": "2025-01-02T12:00:00+00:00", "event": "ended", "counts": {"dose": 2}, "run": "7"},
    ]


def test_a_field_that_is_not_on_the_list_is_left_out(tmp_path: Path) -> None:
    """No resource, no identifier and no value can reach the journal."""
    with log.journal(tmp_path / "j", lambda: NOON) as journal:
        journal.info("begun", subject="S01-001", value="7.40", body={"id": "x"})
    assert set(json.loads((tmp_path / "j").read_bytes())) == {"time", "event"}


def test_a_journal_is_its_owners_alone(tmp_path: Path) -> None:
    """The file is made with mode 0600."""
    with log.journal(tmp_path / "j", lambda: NOON):
        assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_a_journal_is_continued(tmp_path: Path) -> None:
    """A second run adds to what the first wrote."""
    for run in ("1", "2"):
        with log.journal(tmp_path / "j", lambda: NOON, run=run) as journal:
            journal.info("begun")
    lines = (tmp_path / "j").read_bytes().splitlines()
    assert [json.loads(line)["run"] for line in lines] == ["1", "2"]
