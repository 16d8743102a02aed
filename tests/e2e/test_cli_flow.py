"""Plan, apply and verify from the command line: what is sent, and what is sent again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from command_line import CommandLine, Flow


def sums(document: Any) -> dict[str, int]:
    """Return the outcomes of a plan or an apply, which are in balance."""
    summary = document["summary"]
    assert summary["balanced"] is True
    assert sum(summary["outcomes"].values()) == summary["planned"]
    return dict(summary["outcomes"])


def test_plan_writes_nothing_and_lists_every_row(flow: Flow) -> None:
    """A first plan lists every resource as a create, sends nothing, and ends with 0."""
    ran = flow("plan", "--json")
    assert ran.status == 0
    assert flow.store.writes == []
    assert {row["action"] for row in ran.document["rows"]} == {"create"}
    assert len(ran.document["rows"]) == ran.document["summary"]["planned"]
    assert sums(ran.document).keys() == {"pending"}


def test_apply_sends_what_was_planned(flow: Flow) -> None:
    """What was planned is acknowledged and held, and verify finds it all."""
    planned = flow("plan", "--json").document["summary"]["planned"]
    ran = flow("apply", "--json")
    assert ran.status == ran.document["exit_status"] == 0
    assert sums(ran.document) == {"acknowledged": planned}
    assert ran.document["rejects"] == ran.document["stopped_by"] == []
    verified = flow("verify", "--json")
    assert verified.status == 0
    assert verified.document["read"] == planned
    assert not verified.document["missing"]
    assert not verified.document["different"]
    assert not verified.document["duplicate"]


def test_a_second_plan_and_apply_change_nothing(flow: Flow) -> None:
    """After an apply, plan says unchanged for every row, and apply sends 0 writes."""
    flow("apply")
    flow.store.writes.clear()
    planned = flow("plan", "--json")
    assert planned.document["rows"] == []
    assert sums(planned.document).keys() == {"unchanged"}
    again = flow("apply", "--json")
    assert again.status == 0
    assert sums(again.document).keys() == {"unchanged"}
    assert flow.store.writes == []


def test_one_changed_value_is_one_update(flow: Flow) -> None:
    """One changed laboratory value is one update of one element, and one entry sent."""
    flow("apply")
    flow.store.writes.clear()
    where = flow.export.set("lab_plt", "317")
    ran = flow("plan", "--json")
    (row,) = ran.document["rows"]
    assert (row["action"], row["type"], row["where"]) == ("update", "Observation", where)
    assert row["changes"] == [{"path": "valueQuantity.value"}]
    assert sums(ran.document)["pending"] == 1
    flow("apply")
    (bundle,) = flow.store.writes
    (entry,) = bundle["entry"]
    assert entry["resource"]["valueQuantity"]["value"] == 317
    assert flow("verify").status == 0


def test_values_are_shown_only_on_request(flow: Flow) -> None:
    """A plan shows the elements that change; before and after only with --values."""
    flow.export.set("lab_cga", "98765.4321")
    flow("apply")
    flow.export.set("lab_cga", "12345.6789")
    silent = flow("plan", "--json")
    assert "12345.6789" not in silent.out + silent.err
    assert "98765.4321" not in silent.out + silent.err
    told = flow("plan", "--json", "--values")
    (row,) = told.document["rows"]
    (change,) = row["changes"]
    assert change["path"] == "valueQuantity.value"
    assert (change["before"], change["after"]) == (98765.4321, 12345.6789)
    assert "98765.4321 -> 12345.6789" in told.err


def test_a_value_changed_in_the_hospital_is_found(flow: Flow) -> None:
    """Verify names the resource and its element, without values, apart from faults; 0."""
    flow("apply")
    path, body = next(
        (path, body) for path, body in flow.store.held.items() if "valueQuantity" in body
    )
    flow.store.put({**body, "valueQuantity": {**body["valueQuantity"], "value": 98765.4321}})
    ran = flow("verify", "--json")
    assert ran.status == ran.document["exit_status"] == 0
    assert ran.document["different"] == []
    (found,) = ran.document["changed"]
    assert found["path"] == path
    assert list(found["elements"]) == ["valueQuantity.value"]
    assert "98765" not in ran.out + ran.err


def test_a_resource_that_is_gone_is_found(flow: Flow) -> None:
    """Verify names what the server no longer holds, with its source place: 65."""
    flow("apply")
    path = next(path for path in flow.store.held if path.startswith("Observation/"))
    del flow.store.held[path]
    ran = flow("verify", "--json")
    assert ran.status == 65
    ((missing, where),) = ran.document["missing"]
    assert missing == path
    assert where.startswith("data.csv:")
    assert f"missing    {path}" in ran.err


def test_one_subject_alone(flow: Flow) -> None:
    """With --subject only that subject's rows are planned; the other is not sent."""
    ran = flow("apply", "--json", "--subject", "S01-002")
    assert ran.status == 0
    assert ran.document["summary"]["types"]["ResearchSubject"]["planned"] == 1
    (subject,) = (b for b in flow.store.held.values() if b["resourceType"] == "ResearchSubject")
    assert "s01-002" in json.dumps(subject["identifier"])


def test_the_first_subjects_alone(flow: Flow) -> None:
    """With --limit only the first subjects are sent; a later run without it sends the rest."""
    first = flow("apply", "--json", "--limit", "1")
    assert first.document["summary"]["types"]["ResearchSubject"]["planned"] == 1
    rest = flow("apply", "--json")
    outcomes = rest.document["summary"]["types"]["ResearchSubject"]["outcomes"]
    assert outcomes == {"acknowledged": 1, "unchanged": 1}
    assert sums(rest.document)["unchanged"] == first.document["summary"]["planned"]


def test_rejects_do_not_hold_up_the_rest(flow: Flow) -> None:
    """A rejected value costs 65, is told by plan and apply, and everything else is sent."""
    clean = flow("plan", "--json").document["summary"]["planned"]
    where = flow.export.set("lab_plt", "abc")
    for command in ("plan", "apply"):
        ran = flow(command, "--json")
        assert ran.status == 65
        (reject,) = ran.document["rejects"]
        assert reject["where"] == where
        assert f"{where}: {reject['code']}" in ran.err
    assert sums(ran.document) == {"acknowledged": clean - 1}


def test_verify_after_rejects_is_65(flow: Flow) -> None:
    """Verify of an export with a reject ends with 65 though all that was sent is there."""
    flow.export.set("lab_plt", "abc")
    flow("apply")
    ran = flow("verify", "--json")
    assert ran.document["missing"] == []
    assert ran.status == 65


@pytest.mark.parametrize("command", ["plan", "apply", "verify"])
def test_without_json_stdout_is_empty(flow: Flow, command: str) -> None:
    """A person's text goes to stderr; nothing goes to stdout that was not asked for."""
    flow("apply")
    ran = flow(command)
    assert ran.out == ""
    assert ran.err


def test_map_gives_its_summary_as_one_document(netfhir: CommandLine, flow: Flow) -> None:
    """`map --json` prints what summary.json holds, and nothing else on stdout."""
    source, out = flow.export.path, flow.export.path.parent / "out"
    common = ("map", flow.trial, "--format", "redcap", "--source", source, "--out", out)
    ran = netfhir(*common, "--json")
    assert ran.document == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert netfhir(*common).out == ""


def test_mapping_twice_gives_the_same_bytes(netfhir: CommandLine, flow: Flow) -> None:
    """Same input, same bytes."""
    source, out = flow.export.path, flow.export.path.parent / "out"
    common = ("map", flow.trial, "--format", "redcap", "--source", source, "--out", out)
    netfhir(*common)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    netfhir(*common)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    assert "Observation.ndjson" in first
