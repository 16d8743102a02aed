"""The judge itself: HAPI's `$validate` tells a valid resource from an invalid one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hapi_validation

if TYPE_CHECKING:
    from hapi_server import HapiServer


def test_the_judge_tells_good_from_bad(hapi_r4: HapiServer) -> None:
    """A valid Observation has no error, one without a code has, and the index names it."""
    good: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "good",
        "status": "final",
        "code": {"text": "Haemoglobin"},
        "effectiveDateTime": "2024-08-02",
        "_effectiveDateTime": {
            "extension": [
                {
                    "url": "https://netfhir.example/StructureDefinition/local-time",
                    "valueTime": "10:20:00",
                }
            ]
        },
        "identifier": [{"system": "https://netfhir.example/NCT05987176", "value": "a|b"}],
    }
    bad = {key: value for key, value in good.items() if key != "code"} | {"id": "bad"}
    assert set(hapi_validation.errors(hapi_r4.base_url, [good, bad])) == {1}
