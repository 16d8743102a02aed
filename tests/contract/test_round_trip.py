"""Nothing is lost on the way: from the FHIR alone, the trial's table is the generator's truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixtures.NCT05987176 import truth

import round_trip
from netfhir.fhir import canonical
from netfhir.runs import mapping, opening
from netfhir.runs.opening import Input
from netfhir.settings import DEMO_SITE_KEY
from trial_exports import REDCAP

if TYPE_CHECKING:
    from fixtures.NCT05987176.truth import Truth

    from netfhir.fhir.version import Version

VERSIONS: tuple[Version, ...] = ("r4", "r5")
TRUTHS = truth.truths()


@pytest.fixture(scope="module", params=VERSIONS)
def table(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Truth]:
    """Return the table as the whole study's resources of a version tell it."""
    out = tmp_path_factory.mktemp(str(request.param))
    site = opening.mapping_site(opening.trial("NCT05987176"), DEMO_SITE_KEY, request.param)
    mapping.run(site, Input("redcap", REDCAP), out)
    bodies: list[dict[str, Any]] = [
        canonical.resource(line)
        for path in sorted(out.glob("[A-Z]*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
    return round_trip.rebuilt(bodies, request.param)


def test_the_truth_says_enough() -> None:
    """At least 24 subjects; doses, series, scores and recurrences among them."""
    told = TRUTHS.values()
    assert len(TRUTHS) >= 24
    assert sum(len(one.doses) for one in told) >= 20
    assert sum(len(one.laboratory) for one in told) > 1_000
    assert sum(len(one.performance) for one in told) > 100
    assert sum(bool(one.recurred) for one in told) >= 2
    assert len({one.disposition for one in told}) >= 6


def test_every_subject_is_there(table: dict[str, Truth]) -> None:
    """Nobody is lost, nobody is made up."""
    assert set(table) == set(TRUTHS)


@pytest.mark.parametrize("number", sorted(TRUTHS))
@pytest.mark.parametrize(
    "what", ["disposition", "arm", "doses", "laboratory", "performance", "recurred"]
)
def test_the_table_is_the_truth(table: dict[str, Truth], number: str, what: str) -> None:
    """Doses with times and activities, series with units, scores, recurrence, disposition."""
    assert getattr(table[number], what) == getattr(TRUTHS[number], what)
