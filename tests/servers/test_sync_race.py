"""T4: many writers of the same keys at once, without a lock between them, on real servers.

What netfhir does under its lock is tested elsewhere; here the strategies are raced against each
other as several hosts without a common state would race. Put-id never doubles. A conditional
request may, by the server's doing: how often is printed, and the audit names each case.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import ServerError
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.profile import Strategy
from netfhir.sync import writing
from netfhir.sync.plan import Planner
from netfhir.sync.sending import Pace
from small_trial import BASE, QUICK, Site, staged
from soak_sizes import size

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.sync.records import Planned
    from netfhir.sync.staging import Staged

KEYS = 10
ROUNDS = size(check=20, soak=100)
CASES = [
    ("hapi_r4", Strategy.PUT_ID),
    ("hapi_r4", Strategy.CONDITIONAL_PUT),
    ("hapi_r4", Strategy.CONDITIONAL_POST),
    ("sekmet", Strategy.PUT_ID),
]


class RacingSite(Site):
    """A site whose server is written to by one given strategy."""

    strategy: Strategy

    def ruled(self, resource_type: str) -> TypeRule:
        """Return the rule of the strategy."""
        return TypeRule(resource_type, self.strategy, "a race", identifier_search=True)


def _rows(study: str) -> list[Staged]:
    return [
        staged("Observation", f"{study}|{n}", status="final", code={"text": "ALT"})
        for n in range(KEYS)
    ]


@pytest.mark.parametrize("writers", [8, 32])
@pytest.mark.parametrize(("server", "strategy"), CASES)
def test_writers_at_once(
    server: str,
    strategy: Strategy,
    writers: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """Each key is there after each round; with put-id once; the audit names every second one."""
    site = RacingSite(tmp_path, str(request.getfixturevalue(server).base_url))
    site.strategy = strategy
    site.rule = site.ruled
    site.pace = Pace(patience=QUICK)
    doubled = rounds = 0
    for number in range(ROUNDS):
        study = f"race-{strategy}-{writers}-{number}"
        there = _raced(site, _rows(study), writers)
        assert set(there) == {f"{study}|{n}" for n in range(KEYS)}
        twice = {name for name, count in there.items() if count > 1}
        assert _audited(site, _rows(study)) == twice
        doubled += len(twice)
        rounds += bool(twice)
    sys.stdout.write(f"\n{server} {strategy} {writers}: {doubled} keys doubled, {rounds} rounds\n")
    assert doubled == 0 or strategy is not Strategy.PUT_ID


def _raced(site: RacingSite, rows: list[Staged], writers: int) -> Counter[str]:
    """Send the same rows from many threads; return how often each key is there."""
    with site.run(rows) as (apply, _), site.client() as client:
        planner = Planner(apply.staging, apply.ledger, apply.terms)
        items = [planner.planned(row, None) for row in rows]

        def send(seed: int) -> None:
            order = random.Random(seed).sample(items, len(items))  # noqa: S311 - an order
            bundle = writing.bundle_of([_own(item, seed) for item in order], "transaction")
            try:
                client.post_bundle(bundle)
            except ServerError:
                return

        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(send, range(writers)))
        for item in items:
            if not client.search_identifiers("Observation", [_token(item)]):
                client.post_bundle(writing.bundle_of([item], "transaction"))
        found = client.search_identifiers("Observation", [_token(item) for item in items])
    return Counter(body["identifier"][0]["value"] for body in found)


def _own(item: Planned, seed: int) -> Planned:
    """Return the row as this writer would write it."""
    return item._replace(body=item.body.replace(b'"ALT"', b'"ALT %d"' % seed))


def _token(item: Planned) -> tuple[str, str]:
    return writing.token_of(item.body, BASE, item.where)


def _audited(site: RacingSite, rows: list[Staged]) -> set[str]:
    """Return the keys that the audit names."""
    return {found.where.partition(":")[2] for found in site.verify(rows).duplicate}
