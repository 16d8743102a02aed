"""T8: however the rows are ordered, bundled and sent, the server holds the same in the end."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import STRATEGIES, FhirStore
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, patients, trial
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = trial(20)
SEEDS = range(size(check=20, soak=200))
_REFERENCE = re.compile(r'"reference": "([A-Za-z]+/[^"]+)"')


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


def dump(store: FhirStore) -> dict[str, Any]:
    """Return what is held by business identifier: references by the identifier they lead to."""
    names = {path: body["identifier"][0]["value"] for path, body in store.held.items()}
    held = {}
    for path, body in store.held.items():
        kept = {name: value for name, value in body.items() if name not in {"id", "meta"}}
        text = _REFERENCE.sub(lambda found: f'"reference": "{names[found[1]]}"', json.dumps(kept))
        assert names[path] not in held
        held[names[path]] = json.loads(text)
    return held


@pytest.mark.parametrize("seed", SEEDS)
def test_the_way_does_not_matter(seed: int, http: HTTPServer, tmp_path: Path) -> None:
    """Another order, bundle size, number of workers and strategy: the same resources."""
    chance = random.Random(seed)  # noqa: S311 - a choice of ways
    ways = [("put-id", 50, 1), _way(chance)]
    dumps = []
    for number, (strategy, entries, workers) in enumerate(ways):
        http.clear()
        store = FhirStore(http, **STRATEGIES[strategy])
        for body in patients():
            store.put(body)
        rows = chance.sample(ROWS, len(ROWS))
        pace = Pace(bundle_entries=entries, workers=workers, patience=QUICK)
        assert Site(tmp_path / str(number), store.base_url, pace=pace).apply(rows).exit_status == 0
        dumps.append(dump(store))
    assert dumps[0] == dumps[1]


def _way(chance: random.Random) -> tuple[str, int, int]:
    return chance.choice(list(STRATEGIES)), chance.choice((1, 7, 50)), chance.choice((1, 4, 16))
