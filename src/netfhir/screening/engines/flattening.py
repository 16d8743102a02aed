"""A clean NDJSON file of one type as facts, by one typed read; a file that is not is refused.

The meaning is that of screening/reading.py. A line that is no JSON, a member named twice or of
another shape, a byte-order mark, a line of another type: DuckDB refuses the file, and the caller
reads it line by line instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from netfhir.screening.engines import flat_columns as columns
from netfhir.screening.engines import flat_results as results
from netfhir.screening.files import LONGEST
from netfhir.screening.shapes import SHAPES, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfhir.screening.concept_sets import Code
    from netfhir.screening.files import Source
    from netfhir.screening.reading import Reader

_DATE = r"^\d{4}(-\d{2}(-\d{2}(T[0-9:.]+(Z|[+-]\d{2}:\d{2})?)?)?)?$"
_MACROS = f"""
CREATE MACRO day_lo(t) AS CASE WHEN regexp_matches(t, '{_DATE}') THEN TRY_CAST(left(t, 10) ||
  CASE length(t) WHEN 4 THEN '-01-01' WHEN 7 THEN '-01' ELSE '' END AS DATE) END;
CREATE MACRO day_hi(t) AS CASE length(t)
  WHEN 4 THEN CAST(day_lo(t) + INTERVAL 1 YEAR AS DATE) - 1
  WHEN 7 THEN last_day(day_lo(t)) ELSE day_lo(t) END;
CREATE MACRO exact(j) AS TRY_CAST(CAST(j AS VARCHAR) AS DECIMAL(28, 10));
"""
_TABLES = """
CREATE TABLE known (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10),
  unitless BOOLEAN, type TEXT, place INT);
CREATE TABLE answer (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10));
CREATE TABLE word (word TEXT, concept TEXT);
CREATE TABLE medication (id TEXT, system TEXT, code TEXT, ord INT);
"""
_MATCHED = """
CREATE TEMP TABLE matched AS
SELECT rid, known.concept, known.code AS matched, known.number AS own, unitless, place
FROM (SELECT rid, unnest(codes_) AS coding, generate_subscripts(codes_, 1) AS nth
  FROM raw WHERE certainty_ > 0 AND patient <> '') AS spread
JOIN known ON known.system = coding.system AND known.code = coding.code AND known.type = $kind
QUALIFY row_number() OVER (PARTITION BY rid, known.concept ORDER BY nth, place) = 1
"""
_UNMAPPED = """
INSERT INTO gap SELECT DISTINCT patient, $kind, 'local-code-unmapped', COALESCE(word.concept, '')
FROM raw LEFT JOIN word ON word.word = lower(trim(text_))
WHERE certainty_ > 0 AND patient <> '' AND NOT COALESCE(
  list_has_any(list_transform(codes_, lambda x: x.system), $systems), FALSE)
"""
_SUMS = """
SELECT count(*), count(*) FILTER (type_ IS DISTINCT FROM $kind OR COALESCE(id, '') = ''),
  count(*) FILTER (patient = ''), count(*) FILTER (contained_) FROM raw
"""


class UncleanError(Exception):
    """The file cannot be read by type: it has to be read line by line."""


def prepare(connection: duckdb.DuckDBPyConnection, reader: Reader) -> None:
    """Create the macros, and the tables of codes and answers."""
    sets = reader.sets
    connection.execute(_TABLES)
    connection.execute(_MACROS)
    connection.execute(_spelling(reader.spellings))
    _fill(connection, "word", reader.words.items())
    _fill(
        connection,
        "known",
        (
            (row.concept, *row.code, row.number, sets.sets[row.concept].unitless, kind, place)
            for place, row in enumerate(sets.rows)
            for kind in sets.sets[row.concept].types
        ),
    )
    _fill(connection, "answer", ((c, *code, n) for (c, code), n in sets.answers.items()))


def medications(connection: duckdb.DuckDBPyConnection, codes: Mapping[str, Sequence[Code]]) -> None:
    """Fill the table of Medications that others refer to."""
    rows = ((key, *code, n) for key, held in codes.items() for n, code in enumerate(held))
    _fill(connection, "medication", rows)


def read(connection: duckdb.DuckDBPyConnection, source: Source, reader: Reader) -> dict[str, int]:
    """Append the facts and gaps of a file; return its sums, or raise UncleanError."""
    shape = SHAPES[source.type]
    kind = {"kind": source.type}
    try:
        connection.execute(_raw(source, shape), {"path": str(source.path)})
        lines, others, nobody, contained = _row(connection, _SUMS, kind)
        if others or contained:
            raise UncleanError
        connection.execute(_MATCHED, kind)
        connection.execute(_facts(source.type, shape), kind)
        for key, one in reader.sets.sets.items():
            if one.all_of and source.type in one.types:
                connection.execute(_all_of(key, one.all_of))
        (unread,) = _row(connection, "SELECT count(*) FILTER (defect = 'data-error') FROM now")
        connection.execute(_UNMAPPED, {"systems": sorted(reader.systems), **kind})
        connection.execute("INSERT INTO read_fact SELECT * EXCLUDE (rid) FROM now")
    except duckdb.InvalidInputException as error:
        raise UncleanError from error
    finally:
        for table in ("raw", "matched", "now"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    return {"resources": lines, "no-patient": nobody, "unreadable-value": unread}


def _row(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, str] | None = None
) -> tuple[int, ...]:
    found = connection.execute(query, values or {}).fetchone()
    return tuple(found or ())


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]
) -> None:
    held = list(rows)
    if held:
        marks = ", ".join("?" for _ in held[0])
        statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a table of ours
        connection.executemany(statement, held)


def _spelling(spellings: Mapping[str, str]) -> str:
    """Return the macro that reads how laboratories write a unit."""
    cases = " ".join(f"WHEN {_text(given)} THEN {_text(u)}" for given, u in spellings.items())
    return f"CREATE MACRO spelt(u) AS {f'CASE u {cases} ELSE u END' if cases else 'u'}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _raw(source: Source, shape: Shape) -> str:
    """Return what reads the needed members of a file."""
    listed = ", ".join(f"\"{n}\": '{t}'" for n, t in columns.columns(source.type, shape).items())
    contained = "starts_with(COALESCE(medicationReference.reference, ''), '#')"
    return f"""
CREATE TEMP TABLE raw AS
SELECT * RENAME (resourceType AS type_, {shape.patient} AS who_), row_number() OVER () AS rid,
  {columns.codes(source.type, shape)} AS codes_, {columns.words(source.type, shape)} AS text_,
  COALESCE(regexp_extract({shape.patient}.reference, '{columns.PATIENT}', 1), '') AS patient,
  {columns.certainty(source.type, shape)} AS certainty_,
  {contained if shape.medication else "FALSE"} AS contained_
FROM read_json($path, format = 'newline_delimited', maximum_object_size = {LONGEST},
  columns = {{{listed}}})"""  # noqa: S608 - names and patterns of ours


def _facts(kind: str, shape: Shape) -> str:
    since, lo, hi, broken = columns.dates(shape)
    result = results.of(kind)
    answers = results.ANSWERS if kind == "Observation" else results.NO_ANSWERS
    return f"""
CREATE TEMP TABLE now AS
WITH answers AS ({answers}),
dated AS (
  SELECT raw.*, matched.* EXCLUDE (rid), answer_, {since} AS since, {lo} AS lo, {hi} AS hi,
    {broken} AS broken
  FROM matched JOIN raw ON raw.rid = matched.rid
  LEFT JOIN answers ON answers.rid = matched.rid AND answers.concept = matched.concept),
measured AS (
  SELECT *, {result.number} AS found, {result.unit} AS unit_, {result.range_} AS range_ FROM dated)
SELECT patient, concept, $kind AS type, id, COALESCE(meta.versionId, '') AS version,
  COALESCE(meta.lastUpdated, '') AS updated,
  CASE WHEN answer_ IS NOT NULL THEN answer_.code ELSE matched END AS code, since, lo, hi,
  CASE WHEN own IS NOT NULL THEN own ELSE found END AS number,
  CASE WHEN own IS NOT NULL THEN '' ELSE {result.comparator} END AS comparator,
  CASE WHEN own IS NULL THEN unit_ WHEN unitless THEN '1' ELSE '' END AS unit,
  CASE WHEN own IS NULL THEN {result.low} END AS low,
  CASE WHEN own IS NULL THEN {result.high} END AS high,
  certainty_ = 1 AS weak, {columns.ended(kind)} AS ended,
  CASE WHEN broken THEN 'data-error' WHEN own IS NOT NULL THEN '' ELSE {result.defect} END
    AS defect, rid
FROM measured"""  # noqa: S608 - expressions of ours


def _all_of(key: str, parts: Sequence[str]) -> str:
    """Return what adds the facts of resources that carry a code of each of these sets."""
    first, others = _text(parts[0]), ", ".join(_text(part) for part in parts[1:])
    return f"""
INSERT INTO now SELECT * REPLACE ({_text(key)} AS concept) FROM now
WHERE concept = {first} AND rid IN (
  SELECT rid FROM now WHERE concept IN ({others})
  GROUP BY rid HAVING count(DISTINCT concept) = {len(parts) - 1})"""  # noqa: S608 - names of ours
