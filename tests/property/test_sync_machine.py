"""T2: any order of edits, runs, crashes, faults and drops converges, and never writes twice."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_httpserver import HTTPServer

from crashing import Point, dies
from fhir_store import STRATEGIES, FhirStore, answers, drops_after, drops_before
from netfhir.sync.records import Outcome
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, observation, patients, trial
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sync.staging import Staged

PACE = Pace(bundle_entries=3, workers=1, patience=QUICK)
NUMBERS = st.integers(min_value=0, max_value=6)
VALUES = st.sampled_from(["7.40", "7.4", "8.1", "0"])
FAULTS = {
    "cut before the work": drops_before,
    "cut after the work": drops_after,
    "503": answers(503),
    "500": answers(500),
    "429": answers(429, {"Retry-After": "0"}),
}
CALLS = (
    ("ledger", "start_run"),
    ("ledger", "intend"),
    ("ledger", "settle"),
    ("ledger", "unsettled"),
    ("ledger", "finish_run"),
    ("server", "post_bundle"),
    ("server", "read_many"),
    ("server", "search_identifiers"),
    ("staging", "waves"),
)


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


class Machine(RuleBasedStateMachine):
    """A source that changes, a server that fails, and runs between them."""

    http: HTTPServer
    strategy: str

    def __init__(self) -> None:
        """Start with the study, its subjects, and an empty server."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.http.clear()
        self.store = FhirStore(self.http, **STRATEGIES[self.strategy])
        for body in patients():
            self.store.put(body)
        self.site = Site(self.folder, self.store.base_url, pace=PACE)
        self.values: dict[int, str] = {}
        self.told: dict[str, set[str]] = {}
        """What the source ever said of each observation."""
        self.same = False
        """Whether the server is known to hold what the source says."""

    @initialize(number=NUMBERS, value=VALUES)
    def begins(self, number: int, value: str) -> None:
        """Have one observation."""
        self.edits(number, value)

    @rule(number=NUMBERS, value=VALUES)
    def edits(self, number: int, value: str) -> None:
        """Add an observation, or correct it."""
        self.values[number] = value
        self.same = False
        self.told.setdefault(self._name(number), set()).add(value)

    @rule()
    def runs(self) -> None:
        """Run to the end."""
        result = self.site.apply(self.rows())
        assert (result.summary.balanced(), result.exit_status) == (True, 0)
        self.is_as_the_source()

    @rule(fault=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 6))
    def runs_with_faults(self, fault: str, times: int) -> None:
        """Run against a server that fails so many requests in a row."""
        self.store.faults.extend([FAULTS[fault]] * times)
        result = self.site.apply(self.rows())
        self.store.faults.clear()
        assert result.summary.balanced()
        assert result.exit_status in {0, 75}

    @rule(
        call=st.sampled_from(CALLS),
        nth=st.integers(1, 3),
        side=st.sampled_from(["before", "after"]),
    )
    def crashes(self, call: tuple[str, str], nth: int, side: str) -> None:
        """Die somewhere, if the run comes there."""
        dies(self.site, self.rows(), Point(side, *call, nth))  # type: ignore[arg-type]

    @precondition(lambda self: self.same)
    @rule()
    def loses_the_ledger(self) -> None:
        """Lose the state folder, when the server holds what the source says: all is adopted."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        before = len(self.store.writes)
        result = self.site.apply(self.rows())
        assert (result.exit_status, len(self.store.writes)) == (0, before)

    @invariant()
    def holds_each_once(self) -> None:
        """No two resources carry one identifier, and each says what the source once said."""
        seen: set[str] = set()
        for path, body in self.store.held.items():
            if path.startswith("Patient/"):
                continue
            name = body["identifier"][0]["value"]
            assert name not in seen
            seen.add(name)
            if path.startswith("Observation/"):
                assert str(body["valueQuantity"]["value"]) in self._numbers(name)

    def is_as_the_source(self) -> None:
        """Check that the server holds what the source says, and a further run sends nothing."""
        assert self.site.verify(self.rows()).exit_status == 0
        before = len(self.store.writes)
        again = self.site.apply(self.rows())
        assert again.summary.count(Outcome.UNCHANGED) == len(self.rows())
        assert len(self.store.writes) == before
        self.same = True

    def teardown(self) -> None:
        """However it went: one more run makes it good."""
        self.store.faults.clear()
        self.runs()
        shutil.rmtree(self.folder)

    def rows(self) -> list[Staged]:
        """Return what is staged now."""
        return [*trial(0), *(observation(n, value) for n, value in sorted(self.values.items()))]

    def _name(self, number: int) -> str:
        return observation(number).where.partition(":")[2]

    def _numbers(self, name: str) -> set[str]:
        return {str(float(value)) for value in self.told[name]} | {
            str(int(float(value))) for value in self.told[name] if float(value).is_integer()
        }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_history_converges(strategy: str, http: HTTPServer) -> None:
    """Whatever happens, in whatever order: the sums hold, nothing is doubled, the end is right."""
    machine = type("Run", (Machine,), {"http": http, "strategy": strategy})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=size(check=20, soak=500),
            stateful_step_count=size(check=30, soak=50),
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
