"""SQL for the result of an Observation: number, unit, reference range, and what is wrong with it.

The expressions stand in the order in which a query can use them; the meaning is that of
screening/reading.py.
"""

from __future__ import annotations

from typing import NamedTuple

from netfhir.screening.engines.flat_columns import OTHER_VALUES

_NUMBER = "DECIMAL(28, 10)"
#: The only normal range, if there is exactly one.
_NORMAL = (
    "list_filter(referenceRange, lambda r: r.type IS NULL OR "
    "list_distinct(list_transform(r.type.coding, lambda c: c.code)) = ['normal'])"
)
#: All coded results of the rows that matched, the first known one for each set.
ANSWERS = """
SELECT rid, concept, arg_min({'code': answer.code, 'number': answer.number}, nth) AS answer_
FROM (
  SELECT rid, concept, unnest(given) AS coding, generate_subscripts(given, 1) AS nth
  FROM (
    SELECT matched.rid, matched.concept, list_concat(valueCodeableConcept.coding,
      flatten(list_transform(interpretation, lambda x: x.coding))) AS given
    FROM raw JOIN matched ON matched.rid = raw.rid
    WHERE valueQuantity IS NULL AND valueInteger IS NULL AND matched.own IS NULL)) AS spread
JOIN answer USING (concept)
WHERE answer.system = coding.system AND answer.code = coding.code
GROUP BY rid, concept
"""
NO_ANSWERS = (
    "SELECT CAST(NULL AS BIGINT) AS rid, NULL AS concept, "
    f"CAST(NULL AS STRUCT(code VARCHAR, number {_NUMBER})) AS answer_ WHERE FALSE"
)


class Result(NamedTuple):
    """SQL of the columns of a result."""

    number: str
    unit: str
    range_: str
    comparator: str
    low: str
    high: str
    defect: str


def of(kind: str) -> Result:
    """Return the columns of a type's result; only an Observation has one."""
    if kind != "Observation":
        nothing = f"CAST(NULL AS {_NUMBER})"
        return Result(nothing, "''", "NULL", "''", nothing, nothing, "''")
    return Result(
        number=(
            "CASE WHEN valueQuantity IS NOT NULL THEN exact(valueQuantity.value) "
            "WHEN valueInteger IS NOT NULL THEN exact(valueInteger) ELSE answer_.number END"
        ),
        unit=_unit(),
        range_=f"CASE WHEN len({_NORMAL}) = 1 THEN {_NORMAL}[1] END",
        comparator=(
            "CASE WHEN valueQuantity IS NOT NULL "
            "THEN COALESCE(valueQuantity.comparator, '') ELSE '' END"
        ),
        low=_limit("low"),
        high=_limit("high"),
        defect=_defect(),
    )


def _unit() -> str:
    given = _spelt("valueQuantity")
    return (
        f"CASE WHEN valueQuantity IS NOT NULL AND {given} <> '' THEN {given} "
        "WHEN unitless AND (valueQuantity IS NOT NULL OR valueInteger IS NOT NULL) THEN '1' "
        "WHEN valueQuantity IS NULL AND valueInteger IS NULL AND answer_.number IS NOT NULL "
        "THEN '1' ELSE '' END"
    )


def _spelt(quantity: str) -> str:
    return f"spelt(COALESCE(NULLIF({quantity}.code, ''), {quantity}.unit, ''))"


def _limit(side: str) -> str:
    fits = " AND ".join(f"{_spelt(f'range_.{one}')} IN ('', unit_)" for one in ("low", "high"))
    return f"CASE WHEN valueQuantity IS NOT NULL AND {fits} THEN exact(range_.{side}.value) END"


def _defect() -> str:
    other = " OR ".join(f"{name} IS NOT NULL" for name in OTHER_VALUES)
    unread = "CASE WHEN found IS NULL THEN 'data-error' ELSE '' END"
    return (
        "CASE WHEN valueQuantity IS NOT NULL AND valueQuantity.value IS NULL THEN 'no-data' "
        f"WHEN valueQuantity IS NOT NULL OR valueInteger IS NOT NULL THEN {unread} "
        "WHEN answer_ IS NOT NULL THEN CASE WHEN answer_.number IS NULL THEN 'no-data' ELSE '' END "
        "WHEN valueCodeableConcept IS NOT NULL THEN 'local-code-unmapped' "
        f"WHEN {other} THEN 'data-error' ELSE 'no-data' END"
    )
