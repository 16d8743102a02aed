"""SIGKILL at five points of a run, and at any moment: the next run loses nothing, doubles nothing.

T1 and T6 on real servers; every point and thousands of kills have the in-process store.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netfhir.sync.records import Outcome
from small_trial import Site, load_patients, trial
from soak_sizes import size

if TYPE_CHECKING:
    from netfhir.sync.apply import Result
    from netfhir.sync.staging import Staged

HERE = Path(__file__).resolve().parent
CHILD = HERE / "killed_child.py"
OBSERVATIONS = 60
KILLS = size(check=5, soak=200)
#: Of one job that is killed again and again.
MANY_OBSERVATIONS = 600
LONGEST_DELAY_S = 0.25
POINTS = ("after-intent", "before-reply", "before-settling", "between-waves", "during-verify")

#: What each point must have left in the ledger, so that it is known to have struck there.
LEFT_IN_FLIGHT = {"after-intent", "before-reply", "before-settling"}


@pytest.fixture(params=["hapi_r4", "sekmet"])
def base_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each real server, holding the patients."""
    address = str(request.getfixturevalue(request.param).base_url)
    load_patients(address)
    return address


def _child(base_url: str, state: Path, study: str, point: str) -> subprocess.Popen[bytes]:
    """Start a run that kills itself, or says when it begins to send."""
    path = os.pathsep.join(str(p) for p in (HERE.parent, HERE.parent.parent / "src"))
    return subprocess.Popen(
        [sys.executable, str(CHILD), base_url, str(state), study, point],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _killed(base_url: str, state: Path, study: str, point: str) -> None:
    """Run the child until it has killed itself."""
    with _child(base_url, state, study, point) as child:
        _, said = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, said.decode()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_made_good(base_url: str, point: str, tmp_path: Path) -> None:
    """Whatever the point: the next run ends with all acknowledged, once, and ledger = server.

    What had arrived is recognised, not sent again: every resource stays at its first version.
    """
    study = f"killed-{point}"
    rows = trial(OBSERVATIONS, study=study)
    _killed(base_url, tmp_path, study, point)
    site = Site(tmp_path, base_url)
    result = _is_made_good(site, rows)
    assert (result.resumed > 0) == (point in LEFT_IN_FLIGHT)


def test_a_run_killed_at_any_moment_is_made_good(base_url: str, tmp_path: Path) -> None:
    """T6: SIGKILL so many seconds after the first byte is sent, again and again, into one job."""
    delays = random.Random(6)  # noqa: S311 - a choice of moments
    kills = jobs = 0
    while kills < KILLS:
        jobs += 1
        study, state = f"moment-{jobs}", tmp_path / str(jobs)
        while kills < KILLS and _killed_after(base_url, state, study, delays):
            kills += 1
        _is_made_good(Site(state, base_url), trial(MANY_OBSERVATIONS, study=study))


def _killed_after(base_url: str, state: Path, study: str, delays: random.Random) -> bool:
    """Kill a run some time after it began to send; say whether it had not ended by then."""
    with _child(base_url, state, study, "any-moment") as child:
        assert child.stdout is not None
        sends = child.stdout.readline() == b"sends\n"
        time.sleep(delays.uniform(0, LONGEST_DELAY_S) if sends else 0)
        child.kill()
    return sends and child.returncode == -signal.SIGKILL


def _is_made_good(site: Site, rows: list[Staged]) -> Result:
    """Run again: all is acknowledged and held once, as planned; a further run sends nothing."""
    result = site.apply(rows)
    done = result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.UNCHANGED)
    assert (done, result.open_rows, result.exit_status) == (len(rows), 0, 0)
    assert _versions(site, rows) == {"1"}
    findings = site.verify(rows)
    assert (findings.read, findings.exit_status) == (len(rows), 0)
    assert site.apply(rows).summary.count(Outcome.UNCHANGED) == len(rows)
    return result


def _versions(site: Site, rows: list[Staged]) -> set[str]:
    with site.client() as client:
        stored = client.read_many([f"{row.resource_type}/{row.id}" for row in rows])
        return {what.version_id for what in stored}
