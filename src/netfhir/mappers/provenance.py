"""Where a batch of resources comes from: Provenance, one a batch. Source: FHIR R4 Provenance.

It is no entity of the trial: runs call it with what they delivered. A Provenance has no identifier,
so its id is derived from what it says: the activity, the versions and their sources.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.draft import Draft
from netfhir.fhir.identity import derived_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.batch import Batch, Target

TYPE: Final = "Provenance"

#: The system of an identifier whose value is a URI. Source: FHIR R4 identifier registry.
_URI: Final = "urn:ietf:rfc:3986"


def provenance(batch: Batch, site: MappingSite, base_url: str) -> Draft:
    """Return the Provenance of a batch that was written to the server at `base_url`."""
    body: dict[str, Any] = {
        "resourceType": TYPE,
        "id": _id(batch, site),
        "target": [_target(target, base_url) for target in batch.targets],
        "recorded": batch.recorded.isoformat(timespec="milliseconds"),
        "activity": _concept(site, f"provenance-{batch.activity.lower()}"),
        "agent": list(_agents(batch, site)),
    }
    if batch.origin.why:
        body["reason"] = [{"text": batch.origin.why}]
    entities = [{"role": "source", "what": what} for what in _sources(batch)]
    if entities:
        body["entity"] = entities
    return Draft(TYPE, body["id"], body, f"{len(batch.targets)} resources of a run")


def _id(batch: Batch, site: MappingSite) -> str:
    targets = "\n".join("/".join(map(str, target)) for target in batch.targets)
    told = f"provenance|{batch.activity}|{'|'.join(batch.origin.sources)}|{targets}"
    return derived_id(site.naming.site_key, site.naming.base, told)


def _concept(site: MappingSite, key: str) -> Json:
    return site.trial.terminology.concept(key, where="mappers/provenance").codeable()


def _target(target: Target, base_url: str) -> Json:
    """Return the reference to a version; to what is deleted, its address as an identifier.

    The version stands in the display, too: HAPI 8.8 drops it from references.
    """
    path = f"{target.resource_type}/{target.server_id}"
    if target.deleted:
        address = {"system": _URI, "value": f"{base_url}/{path}"}
        return {"type": target.resource_type, "identifier": address}
    if not target.version_id:
        return {"reference": path}
    version = target.version_id
    return {"reference": f"{path}/_history/{version}", "display": f"version {version}"}


def _agents(batch: Batch, site: MappingSite) -> Iterator[Json]:
    """Yield the adapter, which made the resources, and the sites, whose data they are."""
    software = {"system": site.naming.base, "value": "netfhir"}
    who = {"type": "Device", "identifier": software, "display": batch.origin.software}
    yield {"type": _concept(site, "agent-assembler"), "who": who}
    for place in site.trial.file.sites.values():
        key = site.naming.key(form="organization", item=place.name)
        identifier = site.naming.identifier(key)
        who = {"type": "Organization", "identifier": identifier, "display": place.name}
        yield {"type": _concept(site, "agent-author"), "who": who}


def _sources(batch: Batch) -> Iterator[Json]:
    """Yield the export's files, the declarations and the code systems, as logical references."""
    origin = batch.origin
    named = [*((digest, "a file of the trial's export") for digest in origin.sources)]
    named += [(origin.mapping, "the trial's mapping"), (origin.terminology, "its terminology")]
    for digest, display in named:
        if digest:
            yield _named(_ni(digest), display)
    for vocabulary in origin.vocabularies:
        yield _named(vocabulary, "a code system in use")


def _named(uri: str, display: str) -> Json:
    return {"identifier": {"system": _URI, "value": uri}, "display": display}


def _ni(sha256: str) -> str:
    """Return a digest as a URI. Source: RFC 6920, naming things with hashes."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"
