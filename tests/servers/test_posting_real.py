"""The strategies in which a server gives the ids, on real servers: whole, changed, and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Outcome
from small_trial import Site, load_patients, observation, trial

if TYPE_CHECKING:
    from netfhir.sync.apply import Result

HERE = Path(__file__).resolve().parent
CHILD = HERE / "killed_child.py"
OBSERVATIONS = 60
STRATEGIES = (Strategy.CONDITIONAL_POST, Strategy.CONDITIONAL_PUT, Strategy.SEARCH_POST)

#: Where the child is struck; each leaves rows in flight.
POINTS = ("after-intent", "before-reply", "before-settling")


@pytest.fixture(params=["hapi_r4", "medplum"])
def base_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each server that takes conditions and searches, with the patients."""
    address = str(request.getfixturevalue(request.param).base_url)
    load_patients(address)
    return address


def _site(base_url: str, state: Path, strategy: Strategy) -> Site:
    site = Site(state, base_url)
    site.rule = lambda name: TypeRule(
        name, strategy, "forced", identifier_search=True, settle_s=0.1
    )
    return site


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_trial_lands_and_changes(base_url: str, strategy: Strategy, tmp_path: Path) -> None:
    """Once each, under the server's ids; then nothing; then one write for one change."""
    study = f"posting-{strategy}"
    site = _site(base_url, tmp_path, strategy)
    rows = trial(20, study=study)
    assert _outcomes(site.apply(rows)) == {"acknowledged": 24}
    assert _outcomes(site.apply(rows)) == {"unchanged": 24}
    changed = [*rows[:-1], observation(19, "6.5", study)]
    assert _outcomes(site.apply(changed)) == {"acknowledged": 1, "unchanged": 23}
    findings = site.verify(changed)
    assert (findings.read, findings.exit_status) == (24, 0)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_killed_run_is_made_good(
    base_url: str, strategy: Strategy, point: str, tmp_path: Path
) -> None:
    """SIGKILL around a bundle of observations: the next run makes nothing twice, and loses none."""
    study = f"killed-{strategy}-{point}"
    rows = trial(OBSERVATIONS, study=study)
    _killed(base_url, tmp_path, study, point, strategy)
    site = _site(base_url, tmp_path, strategy)
    result = site.apply(rows)
    assert result.resumed > 0
    done = result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.UNCHANGED)
    assert (done, result.exit_status) == (len(rows), 0)
    findings = site.verify(rows)
    assert (findings.read, findings.duplicate, findings.exit_status) == (len(rows), [], 0)
    assert _outcomes(site.apply(rows)) == {"unchanged": len(rows)}


def _killed(*arguments: object) -> None:
    """Run the child until it has killed itself."""
    path = os.pathsep.join(str(p) for p in (HERE.parent, HERE.parent.parent / "src"))
    done = subprocess.run(
        [sys.executable, str(CHILD), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
