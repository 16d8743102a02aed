"""How often and how long a temporary failure is tried again: one layer, one budget for all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from netfhir.errors import ServerError, TemporaryError
from netfhir.sync.breaker import CODE, Breaker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored
    from netfhir.sync.holdings import Reads

Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of trying again; waits are drawn from 0 to the limit (full jitter)."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    longest_retry_after_s: float = 300.0
    """A server that asks for more ends the run: exit 75, and the next one goes on."""


class Budget:
    """A token bucket: a retry costs 1, a success earns 0.1, at most `capacity` are saved.

    Shared by all workers, so that a server in trouble meets few retries, not workers times tries.
    """

    def __init__(self, capacity: float = 50.0) -> None:
        self._capacity = capacity
        self._tokens = capacity
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a retry; False if none is left."""
        with self._lock:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def earn(self) -> None:
        """Note a success."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + 0.1)


@dataclass(slots=True)
class Retry:
    """Tries calls again, by patience and budget, until `stop` is set."""

    patience: Patience
    budget: Budget = field(default_factory=Budget)
    stop: threading.Event = field(default_factory=threading.Event)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        """Begin with a closed breaker."""
        self.breaker = Breaker(self.patience.first_wait_s)

    def call(self, action: Callable[[], Got], attempts: int | None = None) -> Got:
        """Return what `action` returns, or raise its last error; `attempts` for once fewer.

        A TemporaryError that ends it says `sent` if any of the tries may have reached the server.
        """
        sent = [False]

        def attempt() -> Got:
            try:
                return self._once(action)
            except TemporaryError as error:
                sent[0] = error.sent = sent[0] or error.sent
                raise

        got = self._retrying(attempts or self.patience.attempts)(attempt)
        self.budget.earn()
        return got

    def _once(self, action: Callable[[], Got]) -> Got:
        self.breaker.await_turn(self.stop)
        try:
            got = action()
        except TemporaryError as error:
            self.breaker.note(error)
            raise
        except ServerError:
            self.breaker.note(None)
            raise
        self.breaker.note(None)
        return got

    def _retrying(self, attempts: int) -> Retrying:
        patience = self.patience
        jitter = wait_random_exponential(patience.first_wait_s, patience.longest_wait_s)

        def wait(state: RetryCallState) -> float:
            asked = _retry_after(state)
            return jitter(state) if asked is None else asked + jitter(state) / 10

        def ends(state: RetryCallState) -> bool:
            too_long = (_retry_after(state) or 0.0) > patience.longest_retry_after_s
            over = self.stop.is_set() or _is_given_up(state) or too_long
            return over or state.attempt_number >= attempts or not self.budget.take()

        return Retrying(
            retry=retry_if_exception_type(TemporaryError),
            stop=ends,
            wait=wait,
            sleep=self._sleep,
            reraise=True,
        )

    def _sleep(self, seconds: float) -> None:
        self.stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class PatientReads:
    """A client's reads, each tried again by itself."""

    client: Reads
    retry: Retry

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""
        return self.retry.call(lambda: self.client.read_many(paths))

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[Json]:
        """Return the resources that carry one of these identifiers."""
        return self.retry.call(
            lambda: self.client.search_identifiers(resource_type, tokens, elements)
        )

    def of_patient(self, resource_type: str, among: str) -> list[Json]:
        """Return all resources of a type that belong to a `Patient/id`."""
        return self.retry.call(lambda: self.client.of_patient(resource_type, among))

    def all_of_system(self, resource_type: str, system: str) -> list[Json] | None:
        """Return all resources with an identifier of a system; None where they are too many."""
        return self.retry.call(lambda: self.client.all_of_system(resource_type, system))


def _retry_after(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after_s if isinstance(error, TemporaryError) else None


def _is_given_up(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, TemporaryError) and error.code == CODE
