"""The parties, people and places of a registry record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.trial.study import Contact, Official, Party, Place, Responsible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.sources.record_tree import Node
    from netfhir.sources.record_values import Values


def party(node: Node, values: Values) -> Party | None:
    """Return an organisation; None if it has no name."""
    name, agency = node.text("name"), values.enum(node, "class", "AgencyClass")
    return Party(name=name, agency_class=agency) if name else None


def parties(nodes: Iterable[Node], values: Values) -> Iterator[Party]:
    """Yield the organisations that have a name."""
    for node in nodes:
        if found := party(node, values):
            yield found


def responsible(node: Node, values: Values) -> Responsible | None:
    """Return who answers for the record, by the present fields or those of older records."""
    kind = values.enum(node, "type", "ResponsiblePartyType")
    title = node.text("investigatorTitle")
    name = _either(node, values, "investigatorFullName", "oldNameTitle")
    affiliation = _either(node, values, "investigatorAffiliation", "oldOrganization")
    if not node:
        return None
    return Responsible(kind=kind, name=name, title=title, affiliation=affiliation)


def _either(node: Node, values: Values, name: str, older: str) -> str:
    """Return the present field, else the older one; where both differ, a remark on the older."""
    present, old = node.text(name), node.text(older)
    if present and old and present != old:
        values.remark(node.place(older), "lossy-value", f"left for {name}, which stands beside it")
    return present or old


def officials(nodes: Iterable[Node], values: Values) -> Iterator[Official]:
    """Yield the people responsible for the study."""
    for node in nodes:
        role = values.enum(node, "role", "OfficialRole")
        name, affiliation = node.text("name"), node.text("affiliation")
        if name:
            yield Official(name=name, affiliation=affiliation, role=role)
        elif affiliation:
            values.remark(node.place("name"), "unmapped-value", "an official without a name")


def contacts(nodes: Iterable[Node], values: Values) -> Iterator[Contact]:
    """Yield whom to ask about the study."""
    for node in nodes:
        role = values.enum(node, "role", "ContactRole")
        name, email = node.text("name"), node.text("email")
        phone = " ext. ".join(filter(None, (node.text("phone"), node.text("phoneExt"))))
        if name or phone or email:
            yield Contact(name=name, role=role, phone=phone, email=email)


def places(nodes: Iterable[Node], values: Values) -> Iterator[Place]:
    """Yield where the study takes place; a country without an ISO code is remarked on."""
    for node in nodes:
        country = node.text("country")
        if country and country not in values.terms.countries:
            found = f"`{country}`, which has no code among the countries"
            values.remark(node.place("country"), "unmapped-value", found)
        geo = node.node("geoPoint")
        yield Place(
            facility=node.text("facility"),
            status=values.enum(node, "status", "RecruitmentStatus"),
            city=node.text("city"),
            state=node.text("state"),
            postcode=node.text("zip"),
            country=country,
            latitude=geo.decimal("lat"),
            longitude=geo.decimal("lon"),
        )
