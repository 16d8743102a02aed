"""Tests what is claimed of a server, on resources that are removed again.

What is not claimed is not tested: nothing would be done with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from netfhir.errors import ConflictError, RejectedError
from netfhir.hospital.bench import SUBJECTS, Bench
from netfhir.hospital.claims import CLAIMS, Untestable
from netfhir.hospital.profile import Strategy

if TYPE_CHECKING:
    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.choosing import TypeRule
    from netfhir.hospital.claims import Claim
    from netfhir.hospital.client import Client


class Verdict(StrEnum):
    """What a test says of a claim."""

    TRUE = "as claimed"
    FALSE = "not as claimed"
    UNTESTED = "not testable"


@dataclass(frozen=True, slots=True)
class Tested:
    """One claim, and what became of it."""

    claim: str
    verdict: Verdict
    found: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe came to."""

    resource_type: str
    tested: list[Tested]
    left: list[str]
    """`Type/id` of what could not be removed, and why."""

    @property
    def exit_status(self) -> int:
        """Return 78 if a claim is false, or something was left."""
        return 78 if self.left or any(t.verdict is Verdict.FALSE for t in self.tested) else 0


def probe(client: Client, capabilities: Capabilities) -> Probed:
    """Test each claim that is made, on one type; remove everything, whatever happens.

    A refusal is a finding. Raises the other ServerErrors once all is removed.
    """
    chosen = next(filter(None, (_usable(capabilities, name) for name in SUBJECTS)), None)
    if chosen is None:
        names = ", ".join(SUBJECTS)
        found = f"none of {names} can be written and deleted: nothing could be removed again"
        return Probed("", [Tested("all", Verdict.UNTESTED, found)], [])
    kind = "transaction" if capabilities.transaction else "batch" if capabilities.batch else ""
    bench = Bench(client, chosen.resource_type, kind)
    left: list[str] = []
    try:
        claims = [claim for claim in CLAIMS if claim.made(capabilities, chosen)]
        tested = [_tested(claim, bench, chosen) for claim in claims]
    finally:
        left += bench.remove()
    return Probed(chosen.resource_type, tested, left)


def _usable(capabilities: Capabilities, name: str) -> TypeRule | None:
    rule = capabilities.rule(name)
    listed = capabilities.listed.get(name, {}).get("interaction", [])
    if rule.strategy is Strategy.UNSUPPORTED or {"code": "delete"} not in listed:
        return None
    return rule


def _tested(claim: Claim, bench: Bench, rule: TypeRule) -> Tested:
    try:
        found = claim.test(bench, rule)
    except Untestable as untestable:
        return Tested(claim.text, Verdict.UNTESTED, str(untestable))
    except (RejectedError, ConflictError) as error:
        found = error.found or error.code
    if found:
        return Tested(claim.text, Verdict.FALSE, found, claim.remedy)
    return Tested(claim.text, Verdict.TRUE)
