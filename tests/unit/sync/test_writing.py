"""What is sent, byte by byte, for each strategy."""

from __future__ import annotations

import orjson
import pytest

from netfhir.errors import StateError
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Planned
from netfhir.sync.writing import WRITING, bundle_of, entry_of, token_of

ITEM = Planned(
    Action.UPDATE,
    Strategy.PUT_ID,
    "Observation",
    "n1",
    "f:1",
    b'{"id":"n1","value":7.40}',
    server_id="n1",
    version_id="3",
)
CONDITIONAL = ITEM._replace(
    strategy=Strategy.CONDITIONAL_PUT,
    body=b'{"value":7.40}',
    server_id="",
    version_id="",
    token=("urn:b", "a|b c"),
)


def test_every_strategy_that_writes_has_its_row() -> None:
    """A strategy without one could be chosen and not carried out."""
    assert WRITING.keys() == set(Strategy) - {Strategy.UNSUPPORTED}


def test_put_by_id_names_the_version_it_knows() -> None:
    """If-Match, so that another's change is not overwritten."""
    request = orjson.loads(entry_of(ITEM))["request"]
    assert request == {"method": "PUT", "url": "Observation/n1", "ifMatch": 'W/"3"'}


def test_a_first_write_has_no_condition() -> None:
    """There is no version to match."""
    assert "ifMatch" not in orjson.loads(entry_of(ITEM._replace(version_id="")))["request"]


def test_the_digits_are_kept() -> None:
    """Bodies are spliced into the bundle, never written anew."""
    assert b'"resource":{"id":"n1","value":7.40}' in bundle_of([ITEM], "transaction")


def test_a_bundle_is_one_of_its_kind() -> None:
    """Entries in order."""
    bundle = orjson.loads(bundle_of([ITEM, CONDITIONAL], "batch"))
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "batch", 2)


def test_conditional_put_asks_by_one_token() -> None:
    """One parameter, system and value, percent-encoded; the body carries no id."""
    entry = orjson.loads(entry_of(CONDITIONAL))
    assert entry["request"]["url"] == "Observation?identifier=urn%3Ab%7Ca%7Cb%20c"
    assert "id" not in entry["resource"]


def test_conditional_put_goes_by_id_once_it_is_known() -> None:
    """Over the version, with the id that the server gave."""
    entry = orjson.loads(entry_of(CONDITIONAL._replace(server_id="77", version_id="2")))
    assert entry["request"] == {"method": "PUT", "url": "Observation/77", "ifMatch": 'W/"2"'}
    assert entry["resource"]["id"] == "77"


def test_the_token_is_ours() -> None:
    """Among several identifiers, the one of our system; none is a bug of ours."""
    body = b'{"identifier":[{"system":"urn:x","value":"1"},{"system":"urn:b","value":"2"}]}'
    assert token_of(body, "urn:b", "f:1") == ("urn:b", "2")
    with pytest.raises(StateError):
        token_of(body, "urn:c", "f:1")
