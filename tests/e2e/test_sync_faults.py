"""Every fault times every strategy: the right state, and the next run makes it good."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from faults import ALWAYS, FAULTS, PATIENCE_S, Row
from fhir_store import STRATEGIES, FhirStore
from netfhir.hospital.endpoint import ServerSettings
from netfhir.sync.records import Outcome
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, patients, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.client import Client
    from netfhir.sync.apply import Result

STRUCK = 3
CELLS = [
    pytest.param(row, strategy, id=f"{group} - {row.says} - {strategy}")
    for group, rows in FAULTS.items()
    for row in rows
    for strategy in STRATEGIES
]


class QuickSite(Site):
    """A site that does not wait long for an answer."""

    def capabilities(self, client: Client) -> Capabilities:
        """Return what the server can do; a search sees what was done as soon as work is done."""
        found = super().capabilities(client)
        self.rule = lambda name: replace(found.rule(name), settle_s=PATIENCE_S)
        return found

    def settings(self) -> ServerSettings:
        """Return how to reach the server."""
        return ServerSettings(
            name="srv",
            base_url=self.base_url,
            connect_timeout_s=PATIENCE_S,
            read_timeout_s=PATIENCE_S,
        )


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.mark.parametrize(("row", "strategy"), CELLS)
def test_the_right_state(row: Row, strategy: str, http: HTTPServer, tmp_path: Path) -> None:
    """T3: what became of the rows is what the table says, nothing is doubled, the sums hold."""
    http.clear()
    store = FhirStore(http, **STRATEGIES[strategy], interactions=(row.kind,))
    for body in patients():
        store.put(body)
    site = QuickSite(tmp_path, store.base_url, pace=Pace(row.kind, 10, 1, QUICK))  # type: ignore[arg-type]
    site.apply(trial(0))
    store.faults.extend([row.fault] * row.times)
    result = site.apply(trial(STRUCK))
    state = _said(result)
    store.faults.clear()
    found = site.verify(trial(STRUCK))
    if result.exit_status in {75, 77, 78}:
        site.later()
        again = site.apply(trial(STRUCK))
        assert again.exit_status == 0
        state += ", then acknowledged"
    elif result.exit_status == 0 and found.exit_status:
        state += ", caught by verify"
    assert state == row.right(strategy)
    if "caught" in state:
        return
    _nothing_is_doubled(store)
    if "conflict" in state:
        assert site.verify(trial(STRUCK)).exit_status == 65
    elif state.endswith("acknowledged") and "dead" not in state:
        assert site.verify(trial(STRUCK)).exit_status == 0
        store.writes.clear()
        assert site.apply(trial(STRUCK)).exit_status == 0
        assert store.writes == []


def _said(result: Result) -> str:
    """Return what became of the three, in the order of the outcomes' names."""
    assert result.summary.balanced()
    counts = Counter(
        {o.value: n for o in Outcome if (n := result.summary.outcomes["Observation"][o])}
    )
    assert counts.total() == STRUCK
    if len(counts) == 1:
        return next(iter(counts))
    order = [o.value for o in Outcome if o is not Outcome.ACKNOWLEDGED] + ["acknowledged"]
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name])


def _nothing_is_doubled(store: FhirStore) -> None:
    names = [
        body["identifier"][0]["value"]
        for path, body in store.held.items()
        if not path.startswith("Patient/")
    ]
    assert len(names) == len(set(names))


def test_the_table_is_large_enough() -> None:
    """At least sixty rows."""
    rows = [row for group in FAULTS.values() for row in group]
    assert len(rows) >= 60
    assert QUICK.attempts * STRUCK * 2 < ALWAYS
