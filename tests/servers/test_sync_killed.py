"""SIGKILL at five points of a run, then another run: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netfhir.sync.records import Outcome
from small_trial import Site, load_patients, trial

if TYPE_CHECKING:
    from netfhir.sync.staging import Staged

HERE = Path(__file__).resolve().parent
CHILD = HERE / "killed_child.py"
OBSERVATIONS = 60
POINTS = ("after-intent", "before-reply", "before-settling", "between-waves", "during-verify")

#: What each point must have left in the ledger, so that it is known to have struck there.
LEFT_IN_FLIGHT = {"after-intent", "before-reply", "before-settling"}


@pytest.fixture(params=["hapi_r4", "sekmet"])
def base_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each real server, holding the patients."""
    address = str(request.getfixturevalue(request.param).base_url)
    load_patients(address)
    return address


def _killed(base_url: str, state: Path, study: str, point: str) -> None:
    """Run the child until it has killed itself."""
    path = os.pathsep.join(str(p) for p in (HERE.parent, HERE.parent.parent / "src"))
    done = subprocess.run(
        [sys.executable, str(CHILD), base_url, str(state), study, point],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_made_good(base_url: str, point: str, tmp_path: Path) -> None:
    """Whatever the point: the next run ends with all acknowledged, once, and ledger = server.

    What had arrived is recognised, not sent again: every resource stays at its first version.
    """
    study = f"killed-{point}"
    rows = trial(OBSERVATIONS, study=study)
    _killed(base_url, tmp_path, study, point)
    site = Site(tmp_path, base_url)
    result = site.apply(rows)
    assert (result.resumed > 0) == (point in LEFT_IN_FLIGHT)
    done = result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.UNCHANGED)
    assert (done, result.exit_status) == (len(rows), 0)
    assert _versions(site, rows) == {"1"}
    findings = site.verify(rows)
    assert (findings.read, findings.exit_status) == (len(rows), 0)
    again = site.apply(rows)
    assert again.summary.count(Outcome.UNCHANGED) == len(rows)


def _versions(site: Site, rows: list[Staged]) -> set[str]:
    with site.client() as client:
        stored = client.read_many([f"{row.resource_type}/{row.id}" for row in rows])
        return {what.version_id for what in stored}
