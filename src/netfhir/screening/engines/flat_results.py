"""SQL for the result of an Observation: number, unit, reference range, and what is wrong with it.

The expressions stand in the order in which a query can use them; the meaning is that of
screening/reading.py.
"""

from __future__ import annotations

from typing import NamedTuple

from netfhir.screening.engines.flat_columns import OTHER_VALUES

_NUMBER = "DECIMAL(28, 10)"
_LINE = (
    '{"id":"VARCHAR","meta":{"versionId":"VARCHAR"},"valueQuantity":{"value":"VARCHAR"},'
    '"referenceRange":[{"low":{"value":"VARCHAR"},"high":{"value":"VARCHAR"},'
    '"type":{"coding":[{"code":"VARCHAR"}]}}]}'
)
#: The only normal range, if there is exactly one.
_NORMAL = (
    "list_filter(referenceRange, lambda r: r.type IS NULL OR "
    "list_distinct(list_transform(r.type.coding, lambda c: c.code)) = ['normal'])"
)
_CHOSEN = (
    "CASE WHEN valueQuantity IS NULL OR referenceRange IS NULL THEN NULL "
    "WHEN len(referenceRange) = 1 AND referenceRange[1].type IS NULL "
    f"THEN {{first}} WHEN len({_NORMAL}) = 1 THEN {{normal}} END"
)
_RANGE = _CHOSEN.format(first="referenceRange[1]", normal=f"{_NORMAL}[1]")
#: The first coded result of each row of a part that some set knows; `rid` is the row.
ANSWERS = """
SELECT rid, arg_min({{'code': answer.code, 'number': answer.number}}, nth) AS answer_
FROM (
  SELECT rowid AS rid, concept, unnest(given) AS coding, generate_subscripts(given, 1) AS nth
  FROM {part} WHERE given IS NOT NULL) AS spread
JOIN answer USING (concept)
WHERE answer.system = coding.system AND answer.code = coding.code
GROUP BY rid
"""
#: Of the rows of a part: with how many places their numbers are written, where zeros end them.
#: DuckDB reads a number as a double, so that these few lines are read once more, as text.
WRITTEN = f"""
WITH lines AS MATERIALIZED (
  SELECT from_json(regexp_replace(json,
    '"value"(\\s*:\\s*)(-?[0-9]+\\.[0-9]*0)([,}}\\s])', '"value"\\1"\\2"\\3', 'g'),
    '{_LINE}') AS line
  FROM read_json_objects($path, format = 'newline_delimited', maximum_object_size = $longest)
  WHERE regexp_matches(json, '"value"\\s*:\\s*-?[0-9]+\\.[0-9]*0[,}}\\s]')),
held AS (SELECT unnest(line) FROM lines),
ranged AS (SELECT *, {_RANGE} AS range_ FROM held),
scales AS (
  SELECT id, COALESCE(meta.versionId, '') AS version, max(scale_of(valueQuantity.value)) AS scale,
    max(scale_of(range_.low.value)) AS low_scale, max(scale_of(range_.high.value)) AS high_scale
  FROM ranged GROUP BY ALL)
SELECT part.rowid AS rid, scale, low_scale, high_scale
FROM scales JOIN {{part}} AS part ON part.id = scales.id AND part.version = scales.version
WHERE part.number IS NOT NULL
"""  # noqa: S608 - patterns of ours
_CODINGS = "CAST(NULL AS STRUCT(system VARCHAR, code VARCHAR)[])"


class Result(NamedTuple):
    """SQL of the columns of a result."""

    number: str
    written: str
    """The unit as the laboratory writes it."""
    unit: str
    range_: str
    comparator: str
    low: str
    high: str
    defect: str
    given: str
    """The coded results, where only they can tell; else null."""


def of(kind: str) -> Result:
    """Return the columns of a type's result; only an Observation has one."""
    if kind != "Observation":
        nothing = f"CAST(NULL AS {_NUMBER})"
        return Result(nothing, "''", "''", "NULL", "''", nothing, nothing, "''", _CODINGS)
    return Result(
        number=(
            "CASE WHEN valueQuantity IS NOT NULL THEN exact(valueQuantity.value) "
            "WHEN valueInteger IS NOT NULL THEN exact(valueInteger) END"
        ),
        written=_written("valueQuantity"),
        unit=_unit(),
        range_=_CHOSEN.format(
            first=_limits("referenceRange[1]"), normal=_limits(f"({_NORMAL}[1])")
        ),
        comparator=(
            "CASE WHEN valueQuantity IS NOT NULL "
            "THEN COALESCE(valueQuantity.comparator, '') ELSE '' END"
        ),
        low=_limit("low"),
        high=_limit("high"),
        defect=_defect(),
        given=(
            "CASE WHEN valueQuantity IS NULL AND valueInteger IS NULL THEN "
            "list_concat(valueCodeableConcept.coding, "
            "flatten(list_transform(interpretation, lambda x: x.coding))) END"
        ),
    )


def _written(quantity: str) -> str:
    return f"COALESCE(NULLIF({quantity}.code, ''), {quantity}.unit, '')"


def _unit() -> str:
    return (
        "CASE WHEN written_ <> '' THEN spelt(written_) "
        "WHEN unitless AND (valueQuantity IS NOT NULL OR valueInteger IS NOT NULL) THEN '1' "
        "ELSE '' END"
    )


def _limits(chosen: str) -> str:
    """Return SQL for the limits of a range as one flat struct: a nested one takes long to copy."""
    parts = (
        f"'{side}': {chosen}.{side}.value, '{side}_unit': {_written(f'{chosen}.{side}')}"
        for side in ("low", "high")
    )
    return f"{{{', '.join(parts)}}}"


def _limit(side: str) -> str:
    """Return SQL for a limit, if both have the unit of the result, or none."""
    fits = " AND ".join(
        f"({unit} IN ('', written_) OR spelt({unit}) = unit_)"
        for unit in ("range_.low_unit", "range_.high_unit")
    )
    return f"CASE WHEN {fits} THEN exact(range_.{side}) END"


def _defect() -> str:
    other = " OR ".join(f"{name} IS NOT NULL" for name in OTHER_VALUES)
    unread = "CASE WHEN found IS NULL THEN 'data-error' ELSE '' END"
    return (
        "CASE WHEN valueQuantity IS NOT NULL AND valueQuantity.value IS NULL THEN 'no-data' "
        f"WHEN valueQuantity IS NOT NULL OR valueInteger IS NOT NULL THEN {unread} "
        "WHEN valueCodeableConcept IS NOT NULL THEN 'local-code-unmapped' "
        f"WHEN {other} THEN 'data-error' ELSE 'no-data' END"
    )
