"""What a run notes of the server: its software and version may change between two runs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from netfhir import clock

if TYPE_CHECKING:
    from command_line import CommandLine, Flow


@pytest.mark.parametrize("command", ["apply", "verify"])
def test_software_and_clock_are_in_the_journal(flow: Flow, command: str) -> None:
    """The line that ends a run names the server's software, version, profile and clock."""
    flow(command)
    line = (flow.state / "journal.ndjson").read_text(encoding="utf-8").splitlines()[-1]
    told = json.loads(line)["counts"]["server"]
    assert (told["software"], told["version"], told["profile"]) == ("Store", "1", "statement")
    assert abs(told["skew_s"]) < 5


def test_a_clock_that_is_wrong_is_told(
    netfhir: CommandLine, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose clock is far from ours: `netfhir server` says by how much."""
    ahead = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: ahead)
    ran = netfhir("server", flow.store.base_url, "--json")
    assert ran.document["skew_s"] < -30
    assert " s from ours" in ran.err
