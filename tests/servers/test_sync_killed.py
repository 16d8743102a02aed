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
    from collections.abc import Callable

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
    """Whatever the point: the next run ends with all acknowledged, once, and ledger = server."""
    study = f"killed-{point}"
    rows = trial(OBSERVATIONS, study=study)
    _killed(base_url, tmp_path, study, point)
    site = Site(tmp_path, base_url)
    result = site.apply(rows)
    assert (result.resumed > 0) == (point in LEFT_IN_FLIGHT)
    done = result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.UNCHANGED)
    assert (done, result.exit_status) == (len(rows), 0)
    findings = site.verify(rows)
    assert (findings.read, findings.exit_status) == (len(rows), 0)
    again = site.apply(rows)
    assert again.summary.count(Outcome.UNCHANGED) == len(rows)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_writes_no_version_twice(
    base_url: str, point: str, tmp_path: Path, versions: Callable[[str, str], set[str]]
) -> None:
    """What had arrived before the kill is recognised: every observation stays at version 1."""
    study = f"once-{point}"
    _killed(base_url, tmp_path, study, point)
    Site(tmp_path, base_url).apply(trial(OBSERVATIONS, study=study))
    assert versions(base_url, study) == {"1"}


@pytest.fixture
def versions() -> Callable[[str, str], set[str]]:
    """Return a function that reads the versions of a study's observations."""

    def read(base_url: str, study: str) -> set[str]:
        with Site(Path(), base_url).client() as client:
            rows = trial(OBSERVATIONS, study=study)
            paths = [f"{row.resource_type}/{row.id}" for row in rows]
            return {stored.version_id for stored in client.read_many(paths)}

    return read
