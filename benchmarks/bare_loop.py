"""The least that can load a server: prepared bundles posted by a few workers, replies parsed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import orjson
import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADERS = {
    "Accept": "application/fhir+json",
    "Content-Type": "application/fhir+json",
    "Prefer": "return=minimal",
}


class BareLoop:
    """A pooled session to one server."""

    def __init__(self, base_url: str, workers: int) -> None:
        self._url = base_url
        self._workers = workers
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(_HEADERS)
        self._session.mount("http://", HTTPAdapter(pool_maxsize=workers))

    def load(self, bundles: Iterable[bytes]) -> float:
        """Post all; return the seconds from the first byte sent to the last reply parsed."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(self._workers) as pool:
            sizes = list(pool.map(self._post, bundles))
        took = time.perf_counter() - begun
        if not all(sizes):
            raise SystemExit("a bundle was answered without entries")
        return took

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, bundle: bytes) -> int:
        reply = self._session.post(self._url, data=bundle, timeout=120)
        if reply.status_code != requests.codes.ok:
            raise SystemExit(f"the server refused a bundle: {reply.status_code} {reply.text[:500]}")
        return len(orjson.loads(reply.content)["entry"])
