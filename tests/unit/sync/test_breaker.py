"""A server in trouble is left alone, and asked now and then whether it is well."""

from __future__ import annotations

import threading
import time

import pytest

from netfhir.errors import TemporaryError
from netfhir.sync.breaker import CODE, Breaker

QUICK_S = 0.002


def _failed(code: str = "http-503") -> TemporaryError:
    return TemporaryError(code, where="srv: POST /")


def _passes(breaker: Breaker) -> bool:
    """Return whether a call may be made without a wait."""
    begun = time.monotonic()
    breaker.await_turn(threading.Event())
    return time.monotonic() - begun < QUICK_S / 2


def _opened(first_wait_s: float = QUICK_S) -> Breaker:
    breaker = Breaker(first_wait_s)
    for _ in range(20):
        breaker.note(_failed())
    return breaker


def test_calls_that_go_through_keep_it_closed() -> None:
    """And so do failures, while they are fewer than half of twenty."""
    breaker = Breaker(60)
    for number in range(100):
        breaker.note(_failed() if number % 20 < 9 else None)
    assert _passes(breaker)


def test_half_of_twenty_calls_open_it() -> None:
    """No fewer calls than that tell anything."""
    breaker = Breaker(60)
    for _ in range(10):
        breaker.note(None)
    for _ in range(9):
        breaker.note(_failed())
    assert _passes(breaker)
    breaker.note(_failed())
    stop = threading.Event()
    stop.set()
    with pytest.raises(TemporaryError, match=CODE):
        breaker.await_turn(stop)


def test_five_silences_in_a_row_open_it() -> None:
    """One answer in between, and it stays closed."""
    breaker = Breaker(60)
    for code in ("no-answer",) * 4 + ("http-503",) + ("no-answer",) * 4:
        breaker.note(_failed(code))
    assert _passes(breaker)
    breaker.note(_failed("no-answer"))
    stop = threading.Event()
    stop.set()
    with pytest.raises(TemporaryError, match=CODE):
        breaker.await_turn(stop)


def test_what_is_no_failure_of_the_server_is_none() -> None:
    """Entries of a batch that ask for another try came in a whole reply."""
    breaker = Breaker(60)
    for _ in range(50):
        breaker.note(_failed("entries"))
    assert _passes(breaker)


def test_a_probe_that_goes_through_closes_it() -> None:
    """One call after the wait; then all."""
    breaker = _opened()
    breaker.await_turn(threading.Event())
    breaker.note(None)
    assert _passes(breaker)


def test_one_call_at_a_time_is_the_probe() -> None:
    """The others wait for what becomes of it."""
    breaker = _opened()
    breaker.await_turn(threading.Event())
    through = threading.Event()

    def second() -> None:
        breaker.await_turn(threading.Event())
        through.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not through.wait(QUICK_S * 10)
    breaker.note(None)
    assert through.wait(5)
    thread.join()


def test_probes_that_fail_come_to_an_end() -> None:
    """After a dozen the run ends; nothing of it was sent."""
    breaker = _opened(0.0001)
    for _ in range(12):
        breaker.await_turn(threading.Event())
        breaker.note(_failed())
    with pytest.raises(TemporaryError, match=CODE) as caught:
        breaker.await_turn(threading.Event())
    assert not caught.value.sent


def test_waits_between_probes_grow() -> None:
    """Doubled each time, up to eight of the first."""
    breaker = _opened()
    waits = []
    for _ in range(6):
        begun = time.monotonic()
        breaker.await_turn(threading.Event())
        waits.append(time.monotonic() - begun)
        breaker.note(_failed())
    assert all(
        wait >= QUICK_S * factor for wait, factor in zip(waits, (0, 2, 4, 8, 8), strict=False)
    )
