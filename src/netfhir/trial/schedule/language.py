"""The language of rules, version 1: `mappings/<trial>/schedule.toml` as closed, typed tables.

A rule names activities, an anchor, offsets and limits; there are no expressions in strings. Every
rule has the sentence that it comes from (`text`, verbatim from the registry record), and what the
record does not say has the reason why it is declared so (`reason`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from netfhir.trial.entities import MeasurementStatus
from netfhir.trial.places import Declared
from netfhir.trial.schedule.days import MonthEnd, Offset, offset
from netfhir.trial.schedule.gathering import Activity

if TYPE_CHECKING:
    from collections.abc import Iterator


def _offset(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    return offset(given) if isinstance(given, str) else given


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""The name of a rule or an activity; it stands in ids."""

At = Annotated[Offset, BeforeValidator(_offset)]


class Calendar(Declared):
    """How months are counted."""

    month_end: MonthEnd
    reason: str


class Rule(Declared):
    """What every rule has: a title for people, its source, and for whom it is."""

    title: str
    text: str
    """The record's sentence, verbatim."""
    reason: str = ""
    """Why what the record does not say is declared as it is."""
    arms: tuple[str, ...] = ()
    """The arms it is for; empty: all, and before randomisation too."""


class Extension(Declared):
    """A later end of a window, for a linked event that is on record."""

    latest: At
    needs: str
    """The activity of which one has to have begun no later than what is judged."""
    linked_to: str = ""
    """An activity to whose fact that one has to refer."""
    text: str


class Window(Rule):
    """An activity due at one or more offsets from an anchor, each with its window."""

    activity: str
    anchor: str
    at: tuple[At, ...] = Field(min_length=1)
    before: At | None = None
    after: At | None = None
    """With several offsets: how much earlier and later than each is allowed."""
    earliest: At | None = None
    latest: At | None = None
    """With one offset: the window's own offsets from the anchor; not given: open."""
    match: Literal["all", "label", "date"]
    """Which of the activity's facts are judged: all, those of the offset's label, or any in the
    window."""
    labels: tuple[str, ...] = ()
    """match = "label": the label of each offset, in their order."""
    extension: Extension | None = None
    stops: bool = True
    """Whether it is no longer due once the subject has left."""

    @model_validator(mode="after")
    def _one_kind_of_window(self) -> Window:
        own = self.earliest is not None or self.latest is not None
        around = self.before is not None and self.after is not None
        if own == around or (own and len(self.at) > 1):
            raise ValueError("`before` and `after`, or for a single offset `earliest`, `latest`")
        if (self.match == "label") != bool(self.labels):
            raise ValueError('`labels` belongs to match = "label"')
        if self.labels and len(self.labels) != len(self.at):
            raise ValueError("`labels` has one label for each offset of `at`")
        if self.match == "all" and len(self.at) > 1:
            raise ValueError("all facts of an activity are judged by one offset only")
        return self


class Limit(Rule):
    """What each of some activities, or all of them together, may measure."""

    activities: tuple[str, ...] = Field(min_length=1)
    measure: Literal["amount", "total", "minutes"]
    unit: str
    """UCUM; of minutes `min`."""
    units: dict[str, Decimal] = Field(default_factory=dict)
    """UCUM code -> the exact factor to `unit`; an amount in another one is not evaluable."""
    nominal: Decimal
    low: Decimal
    high: Decimal
    plausible_low: Decimal | None = None
    plausible_high: Decimal | None = None

    @model_validator(mode="after")
    def _limits_are_ordered(self) -> Limit:
        if not self.low <= self.nominal <= self.high:
            raise ValueError("`low`, `nominal` and `high` in this order")
        if (self.measure == "minutes") != (not self.units) or (self.measure == "minutes") != (
            self.unit == "min"
        ):
            raise ValueError("minutes are in `min`, without `units`; amounts need `units`")
        return self


class Order(Rule):
    """What must not come before something else."""

    activities: tuple[str, ...] = Field(min_length=1)
    not_before: str


class Exclusive(Rule):
    """What belongs to some arms only."""

    activities: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_arms(self) -> Exclusive:
        if not self.arms:
            raise ValueError("`arms` names those that it belongs to")
        return self


class Count(Rule):
    """How often an activity takes place by some time after an anchor."""

    activity: str
    anchor: str
    expected: int
    by: At


class Stops(Declared):
    """What ends a subject's visits and assessments."""

    activities: tuple[str, ...]
    text: str
    reason: str


class ScheduleFile(Declared):
    """`schedule.toml`."""

    language: Literal[1]
    version: str
    """The version of the rules, which their deviations name."""
    protocol: str
    """The version of the protocol's text that is quoted."""
    calendar: Calendar
    derived_status: MeasurementStatus
    """The status of what the rules conclude."""
    story: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Table of items -> the items whose results are shown with a subject's story."""
    activities: dict[Name, Activity]
    stops: Stops
    windows: dict[Name, Window] = Field(default_factory=dict)
    limits: dict[Name, Limit] = Field(default_factory=dict)
    orders: dict[Name, Order] = Field(default_factory=dict)
    exclusive: dict[Name, Exclusive] = Field(default_factory=dict)
    counts: dict[Name, Count] = Field(default_factory=dict)

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Yield all rules with their place in the file."""
        for table in ("windows", "limits", "orders", "exclusive", "counts"):
            for name, rule in getattr(self, table).items():
                yield f"{table}.{name}", rule

    @model_validator(mode="after")
    def _names_are_known(self) -> ScheduleFile:
        names = [place.partition(".")[2] for place, _ in self.rules()]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two rules of one name: {', '.join(sorted(twice))}")
        for place, rule in self.rules():
            for name in _named(rule):
                if name not in self.activities:
                    raise ValueError(f"{place}: no activity `{name}`")
        for name in self.stops.activities:
            if name not in self.activities:
                raise ValueError(f"stops: no activity `{name}`")
        return self


def _named(rule: Rule) -> tuple[str, ...]:
    match rule:
        case Window():
            more = [rule.extension.needs, rule.extension.linked_to] if rule.extension else []
            return (rule.activity, rule.anchor, *filter(None, more))
        case Count():
            return (rule.activity, rule.anchor)
        case Order():
            return (*rule.activities, rule.not_before)
        case Limit() | Exclusive():
            return rule.activities
        case _:
            return ()
