"""The cold load of 5,000 Observations into an empty HAPI, beside a bare loop that posts the same.

Each measurement has a fresh server with an empty database, loaded in the same way before: the
Patients, all that the Observations refer to, and a few other Observations to warm it up. netfhir
is timed from the first bundle sent to the last settlement in its ledger.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import orjson
from benchmarks.bare_loop import BareLoop
from benchmarks.figures import Figure
from benchmarks.hospital_side import hospital
from benchmarks.pilot import staged

import hapi_server
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.profile import Strategy
from netfhir.sync.apply import Apply
from netfhir.sync.plan import Planner
from netfhir.sync.records import Action, Outcome, Planned
from netfhir.sync.writing import bundle_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.hospital_side import Hospital
    from benchmarks.pilot import Amount, Bench

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Client
    from netfhir.sync.apply import Keeps
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.records import Known, Settled
    from netfhir.sync.sending import Writes
    from netfhir.sync.staging import Staged, Staging

LEAST_RATIO = 0.9
_SUBJECTS, _OBSERVATIONS, _WARMING = 26, 5_000, 500
_QUICK_SUBJECTS, _QUICK_OBSERVATIONS, _QUICK_WARMING = 6, 1_000, 100
_SEED = 5987176
_MORE = (
    "what netfhir does more than the loop: it plans and digests while it sends, judges each entry, "
    "and syncs its ledger to the disk twice a bundle, beside a server that keeps both cores busy"
)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the ratio, round by round, and the rate of each side."""
    load = _Load.of(bench, quick=amount.quick)
    rounds = [_round(load, number) for number in range(amount.rounds)]
    ratios = [took["bare"] / took["netfhir"] for took in rounds]
    size = len(load.measured)
    note = f"{size:,} Observations; each measurement in a fresh HAPI with a warm-up of its own"
    yield Figure(
        "cold load, netfhir / bare loop", ratios, "", LEAST_RATIO, "at least", (note, _MORE)
    )
    for side in ("netfhir", "bare"):
        rates = [size / took[side] for took in rounds]
        yield Figure(f"cold load, {side}", rates, "Observations/s")


def _round(load: _Load, number: int) -> dict[str, float]:
    sides = ["netfhir", "bare"]
    random.Random(_SEED + number).shuffle(sides)  # noqa: S311 - an order, no secret
    took: dict[str, float] = {}
    for side in sides:
        took[side] = load.into_fresh_server(side)
        print(f"cold_load: round {number + 1}: {side} {took[side]:.2f} s", file=sys.stderr)
    return took


@dataclass(frozen=True, slots=True)
class _Load:
    """What is loaded: the ground first, then what warms up, then what is measured."""

    bench: Bench
    ground: Sequence[Staged]
    warming: Sequence[Staged]
    measured: Sequence[Staged]

    @classmethod
    def of(cls, bench: Bench, *, quick: bool) -> _Load:
        """Take the first subjects' Observations in the order of their mapping."""
        rows = bench.rows(_QUICK_SUBJECTS if quick else _SUBJECTS)
        size = _QUICK_OBSERVATIONS if quick else _OBSERVATIONS
        warming = _QUICK_WARMING if quick else _WARMING
        observations = [row for row in rows if row.resource_type == "Observation"]
        ground = [row for row in rows if row.resource_type != "Observation"]
        if len(observations) < size + warming:
            raise SystemExit(f"the subjects have only {len(observations)} Observations")
        return cls(bench, ground, observations[size : size + warming], observations[:size])

    def into_fresh_server(self, side: str) -> float:
        """Start a server, prepare it, load it by that side; return the seconds."""
        folder = self.bench.new_folder()
        with hapi_server.start() as hapi, hospital(self.bench, hapi.base_url) as server:
            bare = BareLoop(hapi.base_url, server.pace.workers)
            self._prepare(server, bare, folder)
            staging = staged(folder / "measured.sqlite", self.measured)
            prepared = _prepared(server, staging)
            if side == "bare":
                took = bare.load(prepared)
            else:
                took = _by_netfhir(server, staging, folder, prepared)
            bare.close()
            staging.close()
        return took

    def _prepare(self, server: Hospital, bare: BareLoop, folder: Path) -> None:
        hospital_has = self.bench.pilot.patients.read_bytes().splitlines()
        bare.load([_put([*hospital_has, *self._study()])])
        ground = staged(folder / "ground.sqlite", self.ground)
        _applied(server, ground, server.ledger(folder / "ground-ledger.sqlite"), server.client)
        ground.close()
        warming = staged(folder / "warming.sqlite", self.warming)
        bare.load(_prepared(server, warming))
        warming.close()

    def _study(self) -> list[bytes]:
        """Return the study that the Observations name, where the mapping brings none."""
        if any(row.resource_type == "ResearchStudy" for row in self.ground):
            return []
        naming = self.bench.site.naming
        study = naming.id(naming.key(form="study"))
        return [to_bytes({"resourceType": "ResearchStudy", "id": study, "status": "active"})]


@dataclass(frozen=True, slots=True)
class _NothingKnown:
    """A ledger that never saw a row."""

    def rows(self, resource_type: str) -> Iterator[Known]:
        """Yield nothing."""
        del resource_type
        return iter(())


@dataclass(slots=True)
class _Watched:
    """A run's client and ledger: notes the first bundle's start, the last settlement's end."""

    client: Client
    ledger: Ledger
    sent: list[bytes] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the two have
        """Be the client and the ledger in all else."""
        return getattr(self.ledger if hasattr(self.ledger, name) else self.client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        """Note the time, then send."""
        self.begun.append(time.perf_counter())
        self.sent.append(bundle)
        return self.client.post_bundle(bundle)

    def settle(self, items: Sequence[Settled]) -> None:
        """Settle, then note the time."""
        self.ledger.settle(items)
        self.ended.append(time.perf_counter())


def _prepared(server: Hospital, staging: Staging) -> list[bytes]:
    """Return the bundles that a first run sends, in its order."""
    planner = Planner(staging, _NothingKnown(), server.terms(staging))
    rows = (item for wave in planner.waves() for item in wave)
    size, kind = server.pace.bundle_entries, server.pace.kind
    return [bundle_of(chunk, kind) for chunk in iter(lambda: list(islice(rows, size)), [])]


def _by_netfhir(
    server: Hospital, staging: Staging, folder: Path, prepared: Sequence[bytes]
) -> float:
    ledger = server.ledger(folder / "ledger.sqlite")
    watched = _Watched(server.client, ledger)
    _applied(server, staging, ledger, watched)
    if sorted(watched.sent) != sorted(prepared):
        raise SystemExit("netfhir sent other bytes than the bare loop")
    return max(watched.ended) - min(watched.begun)


def _applied(server: Hospital, staging: Staging, ledger: Ledger, client: Writes) -> None:
    """Apply what is staged; through a watched client, its ledger is watched too."""
    keeps = cast("Keeps", client) if isinstance(client, _Watched) else ledger
    result = Apply(staging, keeps, client, server.terms(staging), server.pace).run()
    ledger.close()
    if result.exit_status or result.summary.count(Outcome.ACKNOWLEDGED) != len(staging):
        raise SystemExit(f"not all was acknowledged: {result.summary.as_record()}")


def _put(bodies: Sequence[bytes]) -> bytes:
    """Return a transaction that puts these resources."""
    items = [
        Planned(Action.CREATE, Strategy.PUT_ID, name, rid, "", body, server_id=rid)
        for body in bodies
        for name, rid in [_named(body)]
    ]
    return bundle_of(items, "transaction")


def _named(body: bytes) -> tuple[str, str]:
    parsed = orjson.loads(body)
    return parsed["resourceType"], parsed["id"]
