"""A run that dies: `python killed_child.py BASE_URL STATE STUDY POINT [STRATEGY]`.

The flow is the product's; only its collaborators are ours, and one of them kills the process. At
the point `any-moment` it only says `sends` when it begins to, and is left to its parent.
"""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.profile import Strategy
from small_trial import Site, trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored
    from netfhir.sync.apply import Keeps, Stages
    from netfhir.sync.records import Planned
    from netfhir.sync.sending import Writes
    from netfhir.sync.staging import Staged, Wave

#: The bundle that is struck: the study and the subjects are one each, so it holds observations.
STRUCK = 4
OBSERVATIONS = 60
MANY_OBSERVATIONS = 600


def die() -> None:
    """End without a word, as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingLedger:
    """A ledger that dies after an intent, or before it settles."""

    def __init__(self, ledger: Keeps, point: str) -> None:
        """Wrap a ledger."""
        self._ledger = ledger
        self._point = point
        self._intents = itertools.count(1)

    def __getattr__(self, name: str) -> object:
        """Be the ledger in all else."""
        return getattr(self._ledger, name)

    def intend(self, items: Sequence[Planned]) -> None:
        """Note the intent, and die at the struck bundle."""
        self._ledger.intend(items)
        if self._point == "after-intent" and next(self._intents) == STRUCK:
            die()


class DyingClient:
    """A client that dies once the bytes are on their way, or once the reply has arrived."""

    def __init__(self, client: Writes, point: str, base_url: str) -> None:
        """Wrap a client of the server at `base_url`."""
        self._client = client
        self._base_url = base_url
        self._point = point
        self._bundles = itertools.count(1)
        self._reads = itertools.count(1)

    def __getattr__(self, name: str) -> object:
        """Be the client in all else."""
        return getattr(self._client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        """Send a bundle; die around the struck one."""
        number = next(self._bundles)
        if number == 1 and self._point == "any-moment":
            sys.stdout.write("sends\n")
            sys.stdout.flush()
        struck = number == STRUCK
        if struck and self._point == "before-reply":
            _send_and_die(self._base_url, bundle)
        reply = self._client.post_bundle(bundle)
        if struck and self._point == "before-settling":
            die()
        return reply

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read; die in the middle of a verify."""
        if self._point == "during-verify" and next(self._reads) == 2:
            die()
        return self._client.read_many(paths)


class DyingStaging:
    """A staging that dies when the second wave is asked for."""

    def __init__(self, staging: Stages, point: str) -> None:
        """Wrap a staging."""
        self._staging = staging
        self._point = point
        self._waves = itertools.count(1)

    def __getattr__(self, name: str) -> object:
        """Be the staging in all else."""
        return getattr(self._staging, name)

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        """Yield a wave's rows."""
        if self._point == "between-waves" and next(self._waves) == 2:
            die()
        return self._staging.rows(wave)


def _send_and_die(base_url: str, bundle: bytes) -> None:
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    headers = {"Content-Type": "application/fhir+json"}
    connection.request("POST", address.path, bundle, headers)
    die()


def main(base_url: str, state: str, study: str, point: str, strategy: str = "") -> None:
    """Apply and verify; one of the collaborators ends it before that."""
    rows = trial(MANY_OBSERVATIONS if point == "any-moment" else OBSERVATIONS, study=study)
    site = Site(Path(state), base_url)
    if strategy:
        site.rule = lambda name: TypeRule(
            name, Strategy(strategy), "forced", identifier_search=True, settle_s=0.1
        )
    with site.run(rows) as (apply, verify):
        apply.staging = cast("Stages", DyingStaging(apply.staging, point))
        apply.ledger = cast("Keeps", DyingLedger(apply.ledger, point))
        apply.client = cast("Writes", DyingClient(apply.client, point, base_url))
        apply.run()
        verify.client = apply.client
        verify.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
