"""T12: what many writers were told is a history that one register a key could have had.

Each writer reads a key, and writes over the version that it read. The log of beginnings and ends is
checked against the versions that the store made: an acknowledged write made the version after the
one it was based on, a refused one made none, and nothing seems to happen before what was over.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, drops_after, drops_before
from netfhir.errors import ServerError
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Planned
from netfhir.sync.reply import Verdict
from netfhir.sync.trip import sent
from small_trial import Site
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fhir_store import Json
    from netfhir.hospital.client import Client

CLIENTS = 16
SECONDS = size(check=3, soak=60)
KEYS = ("k0", "k1", "k2")


class Done(NamedTuple):
    """One operation: what a client asked, between which moments, and what it was told."""

    began: float
    ended: float
    kind: str
    """`read`, `acked`, `refused` or `unknown`."""
    base: int
    """The version read, or written over."""
    version: int
    """The version made, of an acknowledged write."""
    value: str


@dataclass
class HistoryStore(FhirStore):
    """A store that remembers every version it made."""

    versions: dict[tuple[str, int], str] = field(default_factory=dict)

    def _stored(self, path: str, body: Json) -> None:
        super()._stored(path, body)
        version = int(self.held[path]["meta"]["versionId"])
        self.versions[path, version] = str(body["code"]["text"])


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


def test_the_history_is_one_of_a_register(http: HTTPServer, tmp_path: Path) -> None:
    """Sixteen clients, three keys, lost requests and replies among them."""
    store = HistoryStore(http, listed=("Observation",))
    for key in KEYS:
        store.put(_body(key, "first"))
    chance = random.Random(12)  # noqa: S311 - a choice of faults
    faults = [drops_before, drops_after]
    stop = time.monotonic() + SECONDS
    logs: dict[str, list[Done]] = defaultdict(list)
    threads = [
        threading.Thread(target=_client, args=(Site(tmp_path, store.base_url), n, stop, logs))
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop:
        time.sleep(0.05)
        store.faults.append(chance.choice(faults))
    for thread in threads:
        thread.join()
    for key in KEYS:
        assert {done.kind for done in logs[key]} == {"read", "acked", "refused", "unknown"}
        _check(store, key, logs[key])


def _check(store: HistoryStore, key: str, log: list[Done]) -> None:
    path = f"Observation/{key}"
    made = {version: value for (p, version), value in store.versions.items() if p == path}
    assert sorted(made) == list(range(1, len(made) + 1))
    for done in log:
        if done.kind == "read":
            assert made[done.base] == done.value
        elif done.kind == "acked":
            assert (done.version, made[done.version]) == (done.base + 1, done.value)
        elif done.kind == "refused":
            assert done.value not in made.values()
    acked = [done.value for done in log if done.kind == "acked"]
    unknown = {done.value for done in log if done.kind == "unknown"}
    assert set(made.values()) - {"first"} - set(acked) <= unknown
    _is_in_order(log)


def _is_in_order(log: list[Done]) -> None:
    """Nothing shows a version older than one that was over before it began."""
    over = sorted((d.ended, d.version or d.base) for d in log if d.kind in {"read", "acked"})
    newest, index = 0, 0
    for done in sorted(log, key=lambda d: d.began):
        while index < len(over) and over[index][0] < done.began:
            newest = max(newest, over[index][1])
            index += 1
        if done.kind in {"read", "acked"}:
            assert (done.version or done.base) >= newest


def _client(site: Site, number: int, stop: float, logs: dict[str, list[Done]]) -> None:
    chance = random.Random(number)  # noqa: S311 - a choice of keys
    with site.client() as client:
        writes = 0
        while time.monotonic() < stop:
            key = chance.choice(KEYS)
            base = _read(client, key, logs)
            writes += 1
            if base:
                logs[key].append(_written(client, key, base, f"{number}.{writes}"))


def _read(client: Client, key: str, logs: dict[str, list[Done]]) -> int:
    began = time.monotonic()
    try:
        (found,) = client.read_many([f"Observation/{key}"])
    except ServerError:
        return 0
    assert found.body is not None
    base = int(found.version_id)
    value = found.body["code"]["text"]
    logs[key].append(Done(began, time.monotonic(), "read", base, 0, value))
    return base


def _written(client: Client, key: str, base: int, value: str) -> Done:
    item = Planned(
        Action.UPDATE,
        Strategy.PUT_ID,
        "Observation",
        key,
        "log",
        to_bytes(_body(key, value)),
        b"",
        key,
        str(base),
    )
    began = time.monotonic()
    try:
        (judged,) = sent(client, "batch", [item])
    except ServerError:
        return Done(began, time.monotonic(), "unknown", base, 0, value)
    ended = time.monotonic()
    if judged.verdict is Verdict.ACKED:
        return Done(began, ended, "acked", base, int(judged.version_id), value)
    kind = "refused" if judged.verdict is Verdict.CONFLICT else "unknown"
    return Done(began, ended, kind, base, 0, value)


def _body(key: str, value: str) -> Json:
    return {"resourceType": "Observation", "id": key, "status": "final", "code": {"text": value}}
