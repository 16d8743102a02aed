"""Time-to-event endpoints of one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clock_rules import activity, course, declaration, one
from netfhir.errors import DeclarationError
from netfhir.fhir.dates import LocalTime
from netfhir.runs import opening
from netfhir.trial.schedule.endpoints import EndpointsFile, endpoints, load
from netfhir.trial.schedule.language import ScheduleFile

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.trial.derived import Endpoint
    from netfhir.trial.schedule.occurrences import Occurrence

_DECLARED = declaration()
for _name in ("start", "recurrence", "death", "elsewhere"):
    _DECLARED["activities"][_name] = activity(_name.capitalize())
SCHEDULE = ScheduleFile.model_validate(_DECLARED)
FILE = EndpointsFile.model_validate(
    {
        "version": "3",
        "origin": "start",
        "event_status": "final",
        "censored_status": "preliminary",
        "endpoints": {
            "dfs": {
                "title": "Disease-free survival",
                "rule": "Until recurrence or death.",
                "text": "disease-free survival",
                "reason": "as usual",
                "events": ["recurrence", "death"],
                "competing": ["elsewhere"],
                "assessed": ["scan"],
            }
        },
    }
)
START = one("start", "2024-09-18")


def told(*found: Occurrence) -> Endpoint:
    """Return the subject's only endpoint."""
    (endpoint,) = endpoints(FILE, SCHEDULE, course(*found))
    return endpoint


def test_the_first_event_counts() -> None:
    """Recurrence before death: its day, the days since the start, and what it follows from."""
    recurrence = one("recurrence", "2025-08-20")
    found = told(START, one("death", "2025-12-01"), recurrence, one("scan", "2026-01-01"))
    assert (found.outcome, found.event) == ("event", "Recurrence")
    assert (found.when, found.days) == (LocalTime("2025-08-20"), 336)
    assert [link.key for link in found.links] == [recurrence.key]
    assert (found.status, found.version, found.reason) == ("final", "3", "")


def test_without_an_event_the_last_assessment_censors() -> None:
    """Preliminary, for the event may still come."""
    found = told(START, one("scan", "2024-12-18"), one("scan", "2025-03-18"))
    assert (found.outcome, found.when, found.days) == ("censored", LocalTime("2025-03-18"), 181)
    assert (found.status, found.event) == ("preliminary", "")


def test_the_leap_day_counts() -> None:
    """28 February to 1 March 2024 are two days."""
    found = told(one("start", "2024-02-28"), one("death", "2024-03-01"))
    assert found.days == 2


def test_a_partial_event_stays_partial() -> None:
    """The month is kept, and no number of days is made of it."""
    found = told(START, one("recurrence", "2025-08"))
    assert (found.outcome, found.when, found.days) == ("event", LocalTime("2025-08"), None)
    assert found.reason == "a partial date: no number of days"


def test_a_partial_start_gives_no_number_of_days_either() -> None:
    """The event's day is certain, the time to it is not."""
    found = told(one("start", "2024-09"), one("death", "2025-01-01"))
    assert (found.outcome, found.when, found.days) == ("event", LocalTime("2025-01-01"), None)


def test_which_of_two_partial_events_was_first_is_not_guessed() -> None:
    """An event it is, of no certain kind and day."""
    found = told(START, one("recurrence", "2025-08"), one("death", "2025-08-20"))
    assert (found.outcome, found.event, found.when, found.days) == ("event", "", None, None)


def test_two_events_of_one_day_are_told_as_one_without_a_kind() -> None:
    """The day is certain, which of them it was is not."""
    found = told(START, one("recurrence", "2025-08-20"), one("death", "2025-08-20"))
    assert (found.event, found.days, len(found.links)) == ("", 336, 2)


@pytest.mark.parametrize(
    "found",
    [
        (START,),
        (START, one("scan", "2024-09-01")),
        (START, one("scan", "2024-09")),
        (START, one("recurrence", None), one("scan", "2025-03-18")),
        (START, one("recurrence", "2024-09-01")),
        (one("start", None), one("death", "2025-01-01")),
        (START, one("start", "2024-09-20"), one("death", "2025-01-01")),
    ],
)
def test_what_is_not_known_has_its_reason(found: tuple[Occurrence, ...]) -> None:
    """No assessment after the start, an event without a day or before it, no one start."""
    endpoint = told(*found)
    assert (endpoint.outcome, endpoint.when, endpoint.days) == (None, None, None)
    assert endpoint.reason


def test_what_came_first_and_is_no_event_is_competing() -> None:
    """Told beside the outcome; what came later is not."""
    earlier = told(START, one("elsewhere", "2025-01-01"), one("scan", "2025-03-18"))
    assert (earlier.outcome, earlier.competing) == ("censored", "Elsewhere")
    later = told(START, one("elsewhere", "2025-06-01"), one("scan", "2025-03-18"))
    assert later.competing == ""


def test_who_was_not_randomised_has_no_endpoint() -> None:
    """Time has no start."""
    assert list(endpoints(FILE, SCHEDULE, course(one("death", "2025-01-01")))) == []


def test_an_activity_that_the_schedule_lacks_is_told_by_file_and_key(tmp_path: Path) -> None:
    """A misspelt one would never be found among the facts."""
    path = tmp_path / "NCT05987176" / "endpoints.toml"
    path.parent.mkdir()
    text = 'override = true\nversion = "1"\norigin = "tea"\nevent_status = "final"\n'
    path.write_text(f'{text}censored_status = "final"\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match="unknown-key") as caught:
        load(opening.trial("NCT05987176", [tmp_path]), SCHEDULE)
    assert caught.value.where == "NCT05987176/endpoints.toml:origin"


def test_the_whole_file_is_closed() -> None:
    """A misspelt key is refused."""
    body: dict[str, Any] = FILE.model_dump() | {"verison": "1"}
    with pytest.raises(ValueError, match="verison"):
        EndpointsFile.model_validate(body)
