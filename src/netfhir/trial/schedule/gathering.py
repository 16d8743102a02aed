"""What `schedule.toml` says of where an activity is found among the trial's facts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from netfhir.trial.places import Declared


def _texts(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    if isinstance(given, dict):
        return {
            name: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
            for name, value in given.items()
        }
    return given


Equal = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_texts)]
"""Attribute -> the values, as text, of which it has one."""


class Place(Declared):
    """Facts of one entity that are this activity, and which of their attributes are told."""

    entity: str
    each: str = ""
    """An attribute that holds several parts, each of which is one (a subject's states)."""
    where: Equal = Field(default_factory=dict)
    """Conditions on attributes; `key.event` and the like are parts of the fact's key."""
    when: str
    """The attribute with the day."""
    until: str = ""
    """The attribute with the end, where a duration is judged."""
    amount: str = ""
    """The attribute with the quantity, where one is judged."""
    label: str = "key.event"
    """The attribute by which the fact is told to be the one of a certain offset."""
    told: str = ""
    """The attribute that is shown with it in a subject's story."""
    refer: bool = True
    """Whether the fact gives a resource that can be referred to."""


class Activity(Declared):
    """Something that the protocol asks for, or that ends what it asks for."""

    title: str
    kind: Literal["", "MedicationRequest", "ServiceRequest"] = ""
    """What is ordered of it in the published schedule; empty: it is not part of it."""
    concept: str = ""
    """Key of the concept, where it has one."""
    places: tuple[Place, ...] = Field(alias="from")
    """Empty where no export of the trial records it."""
    not_done: tuple[Place, ...] = ()
    """Facts that say that it was not done."""

    @model_validator(mode="after")
    def _days_of_not_done(self) -> Activity:
        if any(place.amount or place.until for place in self.not_done):
            raise ValueError("what was not done has no amount and no end")
        return self
