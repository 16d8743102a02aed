"""The ledger and its dead letters from the command line."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.hospital.endpoint import ServerSettings
from netfhir.runs import keeping
from netfhir.runs.syncing import Target

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Flow, Ran


def kept(flow: Flow, *words: str | Path) -> Ran:
    """Run a command that names a trial, a server and a state, and no export."""
    options = ("--server", flow.store.base_url, "--state", flow.state)
    return flow.netfhir(*words[:2], flow.trial, *words[2:], *options)


def rebuild(flow: Flow, *more: str) -> Ran:
    """Run `ledger rebuild` with the options of an apply."""
    options = ("--format", "redcap", "--source", flow.export.path, "--crosswalk")
    return kept(flow, "ledger", "rebuild", *options, flow.crosswalk.path, *more)


def refused(flow: Flow, status: int = 422) -> str:
    """Apply while the server refuses one observation; return its `Type/id`."""
    paths: list[str] = []

    def refuses(body: Any) -> int:
        path = f"{body['resourceType']}/{body['id']}"
        if not paths and body["resourceType"] == "Observation":
            paths.append(path)
        return status if paths == [path] else 0

    flow.store.refuses = refuses
    assert flow("apply").status == 65
    return paths[0]


def test_status_tells_what_there_is(flow: Flow) -> None:
    """Rows by type and state, the last run, schema and integrity; 0."""
    planned = flow("apply", "--json").document["summary"]["planned"]
    ran = kept(flow, "ledger", "status", "--json")
    found = ran.document
    assert ran.status == 0
    assert sum(states["acked"] for states in found["rows"].values()) == planned
    assert (found["schema"], found["integrity"], found["trial"]) == ("0002", "ok", "NCT05987176")
    assert found["last_run"]["id"] == found["mark"]["run"] == 1
    assert found["last_run"]["finished"]
    assert found["lease"]["held"] is False
    assert "NCT05987176 at http" in ran.err


def test_status_of_nothing_is_74(flow: Flow) -> None:
    """A state that was never used, or is misspelt; nothing is made there."""
    ran = kept(flow, "ledger", "status")
    assert (ran.status, flow.state.exists()) == (74, False)
    assert "no ledger" in ran.err


def test_status_while_a_run_is_at_work(flow: Flow) -> None:
    """Neither lock nor lease stands in the way, and the holder is named."""
    seen: list[Any] = []

    def looks(_body: Any) -> int:
        if not seen:
            address = flow.store.base_url
            server = ServerSettings(name=f"localhost-{flow.store.server.port}", base_url=address)
            seen.append(keeping.status(flow.trial, Target(server, None, flow.state)))
        return 0

    flow.store.refuses = looks
    flow("apply")
    assert [(found.lease["held"], found.lease["pid"]) for found in seen] == [(True, os.getpid())]


def test_a_backup_is_whole_and_private(flow: Flow, tmp_path: Path) -> None:
    """One file, checked, its owner's alone; nothing is overwritten."""
    flow("apply")
    out = tmp_path / "copy.sqlite"
    assert kept(flow, "ledger", "backup", "--out", out).status == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with closing(sqlite3.connect(f"file:{out}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (1,)
    assert not out.with_name("copy.sqlite-wal").exists()
    before = out.read_bytes()
    ran = kept(flow, "ledger", "backup", "--out", out)
    assert (ran.status, out.read_bytes()) == (74, before)


def test_a_lost_ledger_is_rebuilt(flow: Flow) -> None:
    """74 until then; after it nothing is sent, and everything is known."""
    flow("apply")
    for part in flow.folder.glob("ledger.sqlite*"):
        part.unlink()
    ran = flow("apply")
    assert (ran.status, "ledger-lost" in ran.err) == (74, True)
    ran = rebuild(flow, "--json")
    assert ran.status == 0
    assert ran.document["adopted"] > 0
    assert ran.document["absent"] == ran.document["not_in_export"] == 0
    flow.store.writes.clear()
    assert flow("apply").status == 0
    assert flow.store.writes == []


def test_a_damaged_ledger_is_rebuilt_and_kept_aside(flow: Flow) -> None:
    """What does not read takes no flag; a whole one does."""
    flow("apply")
    assert "ledger-healthy" in rebuild(flow).err
    (flow.folder / "ledger.sqlite").write_bytes(b"no ledger " * 1_000)
    ran = rebuild(flow, "--json")
    assert ran.status == 0
    assert b"no ledger" in (flow.folder / ran.document["aside"]).read_bytes()
    assert rebuild(flow, "--replace").status == 0


def test_a_dead_letter_is_listed_with_its_remedy(flow: Flow) -> None:
    """Reason, attempts, place, first and last seen, what to do; 65 while there is one."""
    path = refused(flow)
    ran = kept(flow, "dead", "list", "--json")
    (letter,) = ran.document["letters"]
    assert ran.status == 65
    assert f"{letter['resource_type']}/{letter['id']}" == path
    assert "422" in letter["reason"]
    assert letter["attempts"] == 1
    assert letter["first_at"] == letter["last_at"] or letter["first_at"] < letter["last_at"]
    assert letter["remedy"].startswith("correct the record in the source")
    assert path in ran.err
    assert kept(flow, "dead", "show", path).status == 0


def test_a_retried_letter_takes_the_first_path(flow: Flow) -> None:
    """Retry sends nothing; the next apply does, with an intent in the ledger before the bytes."""
    path = refused(flow)
    assert flow("apply").status == 65
    assert kept(flow, "dead", "retry", path).status == 0
    assert kept(flow, "dead", "list", "--json").document["letters"][0]["requeued"] is True
    states: list[str] = []

    def noted(body: Any) -> int:
        if f"{body['resourceType']}/{body['id']}" == path:
            states.append(_state_of(flow, body["id"]))
        return 0

    flow.store.refuses = noted
    assert flow("apply").status == 0
    assert states == ["in-flight"]
    assert kept(flow, "dead", "list").status == 0
    assert path in flow.store.held


def test_all_that_are_dead_are_retried(flow: Flow) -> None:
    """--all or names, and one of the two."""
    refused(flow)
    assert kept(flow, "dead", "retry").status == 2
    assert "1 to be sent" in kept(flow, "dead", "retry", "--all").err


def test_a_dropped_letter_is_counted_apart(flow: Flow) -> None:
    """A person's decision leaves nothing over: 0, and the reason stands in the sums."""
    path = refused(flow)
    ran = kept(flow, "dead", "drop", path, "--reason", "entered twice")
    assert ran.status == 0
    ran = flow("apply", "--json")
    assert ran.status == 0
    assert ran.document["summary"]["outcomes"]["dropped"] == 1
    assert ran.document["summary"]["reasons"] == {"dropped: entered twice": 1}
    assert path not in flow.store.held
    assert flow("verify").status == 0
    listed = kept(flow, "dead", "list", "--json")
    assert (listed.status, listed.document["letters"][0]["state"]) == (0, "dropped")


def test_a_dropped_letter_comes_back_with_another_content(flow: Flow) -> None:
    """The decision was about what was refused."""
    path = refused(flow)
    kept(flow, "dead", "drop", path, "--reason", "wrong unit")
    _state_of(flow, path.partition("/")[2], "UPDATE resource SET digest_sent = x'00' WHERE id = ?")
    flow.store.refuses = lambda _: 0
    assert flow("apply").status == 0
    assert path in flow.store.held


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "two\nlines"])
def test_a_drop_needs_a_reason(flow: Flow, reason: str) -> None:
    """One line that a person can read later; 2."""
    path = refused(flow)
    assert kept(flow, "dead", "drop", path, "--reason", reason).status == 2


def test_a_letter_that_is_none_is_74(flow: Flow) -> None:
    """A name that the ledger has no dead letter of."""
    refused(flow)
    for words in (("show",), ("retry",), ("drop", "--reason", "x")):
        ran = kept(flow, "dead", words[0], "Observation/none", *words[1:])
        assert (ran.status, "no-letter" in ran.err) == (74, True)


def test_dependants_of_a_dead_parent_are_blocked(flow: Flow) -> None:
    """They are no dead letters: they go out when the parent does."""
    flow.store.refuses = lambda body: 422 if body["resourceType"] == "ResearchStudy" else 0
    ran = flow("apply", "--json")
    outcomes = ran.document["summary"]["outcomes"]
    assert (outcomes["dead"], ran.status) == (1, 65)
    assert outcomes["blocked"] > 0
    assert len(kept(flow, "dead", "list", "--json").document["letters"]) == 1
    flow.store.refuses = lambda _: 0
    kept(flow, "dead", "retry", "--all")
    ran = flow("apply", "--json")
    assert (ran.status, "blocked" in ran.document["summary"]["outcomes"]) == (0, False)


def _state_of(
    flow: Flow, resource_id: str, query: str = "SELECT state FROM resource WHERE id = ?"
) -> str:
    with closing(sqlite3.connect(flow.folder / "ledger.sqlite")) as connection:
        found = connection.execute(query, (resource_id,)).fetchone()
        connection.commit()
        return str(found[0]) if found else ""
