"""An update where the hospital may have written: read, then sent, left, or in conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from netfhir.errors import StateError
from netfhir.fhir.canonical import resource, to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.client import Stored
from netfhir.hospital.profile import Strategy
from netfhir.sync.elements import Element, decoded, elements_of, encoded
from netfhir.sync.holdings import Finding, Held
from netfhir.sync.plan import Resend, Terms
from netfhir.sync.reconciling import FOREIGN, Reconcile, guarded
from netfhir.sync.records import Action, Outcome, Planned, settled
from netfhir.sync.threeway import Take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.holdings import Reads
    from netfhir.sync.records import Settled

KEY = SiteKey(b"key")
TERMS = Terms(KEY, "urn:b", "urn:j", {}, lambda name: TypeRule(name, Strategy.PUT_ID, ""))
OLD: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "n1",
    "identifier": [{"system": "urn:b", "value": "s"}],
    "status": "preliminary",
    "issued": "2024",
}
NEW = {**OLD, "status": "final"}
ITEM = Planned(
    Action.UPDATE,
    Strategy.PUT_ID,
    "Observation",
    "n1",
    "f:1",
    to_bytes(NEW),
    b"d2",
    "n1",
    "1",
    elements=elements_of(KEY, to_bytes(NEW)),
    base=elements_of(KEY, to_bytes(OLD)),
    careful=True,
)
KEPT = encoded({"status": Element((b"12345678",), kept=True)})


class _Server:
    """Holds bodies by path, and notes what it was asked for."""

    def __init__(self, **stored: Stored) -> None:
        self._stored = stored
        self.asked: list[str] = []

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        self.asked += paths
        return [self._stored[path.partition("/")[2]] for path in paths]


def _reconcile(server: _Server | None = None) -> Reconcile:
    return Reconcile(cast("Reads", server or _Server()), TERMS)


def _judged(stored: Stored, item: Planned = ITEM) -> Planned | Settled:
    return _reconcile().judged(item, stored)


def _elements(body: Json, kept: str = "") -> bytes:
    """Return what the ledger is to keep of ours, one element being the hospital's."""
    mine = decoded(elements_of(KEY, to_bytes(body)))
    return encoded({name: Element(e.digests, name == kept) for name, e in mine.items()})


@pytest.mark.parametrize(
    "item",
    [
        ITEM._replace(action=Action.CREATE, base=b"", careful=False),
        ITEM._replace(action=Action.RETRACT, base=b"", careful=False),
        ITEM._replace(server_id="", base=b"", careful=False),
        ITEM._replace(careful=False),
    ],
)
def test_a_row_that_only_we_wrote_is_not_read(item: Planned) -> None:
    """A first write, a place that is not known, or a base that is wholly ours: as it is."""
    assert guarded(item, None) is item


@pytest.mark.parametrize(
    "item",
    [
        ITEM._replace(version_id="", careful=False),
        ITEM._replace(base=b"", careful=False),
        ITEM._replace(base=KEPT, careful=False),
    ],
)
@pytest.mark.parametrize("again", [None, Resend("2", take=Take.THEIRS)])
def test_a_row_of_both_is_read(item: Planned, again: Resend | None) -> None:
    """Without a version, without a base, or with something of the hospital's; as was decided."""
    take = Take.NEITHER if again is None else Take.THEIRS
    assert guarded(item, again) == item._replace(careful=True, take=take)


@pytest.mark.parametrize("careful", [True, False])
def test_a_row_to_be_sent_again_is_read_if_it_is_asked(*, careful: bool) -> None:
    """Not for its base: that is ours."""
    again = Resend("2", careful=careful, take=Take.OURS)
    item = ITEM._replace(careful=False)
    assert guarded(item, again) == item._replace(careful=careful, take=Take.OURS)


def test_only_careful_rows_are_read() -> None:
    """Each in its place; where there is none, nobody is asked."""
    plain = ITEM._replace(careful=False, id="n2", server_id="n2")
    server = _Server()
    assert _reconcile(server).prepared([plain]) == [plain]
    assert server.asked == []
    server = _Server(n1=Stored(None), n3=Stored(None, deleted=True))
    third = ITEM._replace(id="n3", server_id="n3")
    assert _reconcile(server).prepared([ITEM, plain, third]) == [
        settled(ITEM, Outcome.CONFLICT, reason="absent"),
        plain,
        settled(third, Outcome.CONFLICT, reason="deleted-on-server"),
    ]
    assert server.asked == ["Observation/n1", "Observation/n3"]


def test_an_answer_too_few_shifts_none_onto_another() -> None:
    """A fault of the program, not of the data."""

    class _Forgetful(_Server):
        def read_many(self, paths: Sequence[str]) -> list[Stored]:
            return super().read_many(paths)[1:]

    server = _Forgetful(n1=Stored(None))
    with pytest.raises(ValueError, match="shorter"):
        _reconcile(server).prepared([ITEM, ITEM])


@pytest.mark.parametrize("deleted", [True, False])
def test_what_somebody_removed_is_made_anew_if_decided(*, deleted: bool) -> None:
    """Over no version; without a decision it is the hospital's."""
    stored = Stored(None, "5", deleted)
    ours = ITEM._replace(take=Take.OURS)
    assert _judged(stored, ours) == ours._replace(version_id="")
    became = _judged(stored, ITEM._replace(take=Take.THEIRS))
    reason = Finding.DELETED if deleted else Finding.ABSENT
    assert became == settled(ITEM, Outcome.CONFLICT, reason=reason.value)


def test_what_is_not_ours_is_left_alone() -> None:
    """Another's resource under our id: without our identifier."""
    stored = Stored({**OLD, "identifier": [{"system": "urn:b", "value": "t"}]}, "1")
    assert _judged(stored) == settled(ITEM, Outcome.CONFLICT, reason=FOREIGN)


def test_without_a_base_the_version_says_that_all_is_ours() -> None:
    """The one that we know: sent as it is; another one, or none, is compared."""
    item = ITEM._replace(base=b"")
    assert _judged(Stored(OLD, "1"), item) == item
    for version in ("2", ""):
        became = _judged(Stored(OLD, version), item._replace(version_id="1" if version else ""))
        assert became == settled(item, Outcome.CONFLICT, reason="changed-on-server (status)")
    assert _judged(Stored({**OLD, "issued": "2026"}, "1")) != ITEM


def test_what_both_changed_is_a_conflict() -> None:
    """Each otherwise: with the elements, by name."""
    theirs = {**OLD, "status": "amended", "issued": "2026"}
    item = ITEM._replace(body=to_bytes({**NEW, "issued": "2025"}))
    became = _judged(Stored(theirs, "2"), item)
    assert became == settled(item, Outcome.CONFLICT, reason="changed-on-server (issued status)")
    decided = _judged(Stored(theirs, "2"), item._replace(take=Take.OURS))
    assert isinstance(decided, Planned)
    assert resource(decided.body)["status"] == "final"


def test_what_only_they_changed_stays() -> None:
    """Ours is laid over it, over their version; what stays is named."""
    theirs = {**OLD, "issued": "2026", "note": [{"text": "seen"}]}
    body = to_bytes({**theirs, "status": "final"})
    became = _judged(Stored({**theirs, "meta": {"versionId": "2"}}, "2"))
    assert isinstance(became, Planned)
    assert became == ITEM._replace(
        body=body, version_id="2", kept=("issued",), elements=became.elements
    )
    kept = decoded(became.elements)
    assert [name for name, element in kept.items() if element.kept] == ["issued", "note"]


def test_the_merged_body_is_shaped_by_its_strategy() -> None:
    """Without the id, where the server gives it."""
    item = ITEM._replace(strategy=Strategy.CONDITIONAL_PUT, server_id="s9")
    became = _judged(Stored({**OLD, "id": "s9", "issued": "2026"}, "2"), item)
    assert isinstance(became, Planned)
    assert resource(became.body) == {
        name: value for name, value in {**NEW, "issued": "2026"}.items() if name != "id"
    }


def test_what_is_there_already_is_not_written() -> None:
    """Unchanged, with their version, and with what the ledger is to keep."""
    became = _judged(Stored({**NEW, "issued": "2026"}, "2"))
    elements = _elements(NEW, "issued")
    item = ITEM._replace(elements=elements, kept=("issued",))
    assert became == settled(item, Outcome.UNCHANGED, version_id="2")


def _adopted(body: Json | None) -> Settled | None:
    found = Held(Finding.OTHER, "s9", Stored(body, "2"))
    return _reconcile().adopted(ITEM._replace(base=b""), found)


def test_a_first_write_that_is_there_is_adopted() -> None:
    """All of ours, beside things of the hospital's: with its place and version."""
    became = _adopted({**NEW, "note": [{"text": "seen"}]})
    assert became is not None
    item = ITEM._replace(elements=became.elements or b"")
    assert became == settled(item, Outcome.UNCHANGED, server_id="s9", version_id="2")
    kept = decoded(item.elements)
    assert [name for name, element in kept.items() if element.kept] == ["note"]
    assert kept["status"] == decoded(ITEM.elements)["status"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {**NEW, "identifier": [{"system": "urn:b", "value": "t"}]},
        OLD,
        {name: value for name, value in NEW.items() if name != "issued"},
    ],
)
def test_a_first_write_that_is_not_there_whole_is_none(body: Json | None) -> None:
    """Nothing, another's, another value, or an element too few."""
    assert _adopted(body) is None


def test_a_row_without_our_identifier_is_named() -> None:
    """By its place in the source, as it is read back."""
    bare = ITEM._replace(body=to_bytes({"resourceType": "Observation", "id": "n1"}))
    with pytest.raises(StateError, match=r"^f:1: no-identifier"):
        _judged(Stored(OLD, "1"), bare)
