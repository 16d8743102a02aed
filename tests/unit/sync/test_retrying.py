"""Temporary failures are tried again within limits; nothing else is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import NetfhirError, RejectedError, TemporaryError
from netfhir.sync.retrying import Budget, Patience, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = Patience(attempts=3, first_wait_s=0, longest_wait_s=0, longest_retry_after_s=1)


def _failing(*errors: NetfhirError) -> Callable[[], str]:
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return action


def _temporary(*, sent: bool = True, retry_after_s: float | None = None) -> TemporaryError:
    return TemporaryError("http-503", where="s", sent=sent, retry_after_s=retry_after_s)


def test_a_temporary_failure_is_tried_again() -> None:
    """Up to the attempts."""
    assert Retry(QUICK).call(_failing(_temporary(), _temporary())) == "done"


def test_the_attempts_end() -> None:
    """The last error is the caller's."""
    with pytest.raises(TemporaryError):
        Retry(QUICK).call(_failing(*[_temporary()] * 3))


def test_a_refusal_is_not_tried_again() -> None:
    """It would be refused again."""
    with pytest.raises(RejectedError):
        Retry(QUICK).call(_failing(RejectedError("http-422", where="s")))


def test_one_sending_is_enough_to_have_sent() -> None:
    """The first try may have arrived though the last did not: the outcome is unknown."""
    errors = [_temporary(sent=True), _temporary(sent=False), _temporary(sent=False)]
    with pytest.raises(TemporaryError) as caught:
        Retry(QUICK).call(_failing(*errors))
    assert caught.value.sent


def test_what_was_never_sent_is_known() -> None:
    """Every try was refused a connection."""
    with pytest.raises(TemporaryError) as caught:
        Retry(QUICK).call(_failing(*[_temporary(sent=False) for _ in range(3)]))
    assert not caught.value.sent


def test_a_wait_beyond_the_cap_ends_at_once() -> None:
    """A server that asks for five hours gets them, from the next run."""
    with pytest.raises(TemporaryError):
        Retry(QUICK).call(_failing(_temporary(retry_after_s=18000)))


def test_a_stopped_run_tries_nothing_again() -> None:
    """One worker's end is everybody's."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(TemporaryError):
        Retry(QUICK, stop=stop).call(_failing(_temporary()))


def test_the_budget_is_shared() -> None:
    """When it is spent, nobody tries again."""
    retry = Retry(QUICK, Budget(capacity=1))
    assert retry.call(_failing(_temporary())) == "done"
    with pytest.raises(TemporaryError):
        retry.call(_failing(_temporary()))


def test_successes_earn_a_tenth_of_a_retry() -> None:
    """Ten of them pay for one, and no more is saved than fits."""
    budget = Budget(capacity=1)
    assert budget.take()
    for _ in range(9):
        budget.earn()
    assert not budget.take()
    for _ in range(100):
        budget.earn()
    assert budget.take()
    assert not budget.take()
