"""A clean NDJSON file of one type as facts, by one typed read; a file that is not is refused.

The meaning is that of screening/reading.py. A line that is no JSON, a member named twice or of
another shape, a byte-order mark, a line of another type: DuckDB refuses the file, and the caller
reads it line by line instead.

Each file becomes a table of its own: a row for each code of a resource that some set asks for, and
a row without a set (`concept` null) for each resource that says nothing, with the reason in
`defect`. Nothing else is kept, so that a hospital's other results pass by without being stored,
unless the intake wants `every` resource: then they are there too, `passed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from netfhir.screening.engines import flat_columns as columns
from netfhir.screening.engines import flat_results as results
from netfhir.screening.files import LONGEST, USUAL
from netfhir.screening.shapes import SHAPES, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfhir.screening.concept_sets import Code
    from netfhir.screening.files import Source
    from netfhir.screening.intake import Intake
    from netfhir.screening.reading import Reader

_DATE = r"^\d{4}(-\d{2}(-\d{2}(T[0-9:.]+(Z|[+-]\d{2}:\d{2})?)?)?)?$"
_MACROS = f"""
CREATE MACRO day_lo(t) AS CASE WHEN regexp_matches(t, '{_DATE}') THEN TRY_CAST(left(t, 10) ||
  CASE length(t) WHEN 4 THEN '-01-01' WHEN 7 THEN '-01' ELSE '' END AS DATE) END;
CREATE MACRO day_hi(t) AS CASE length(t)
  WHEN 4 THEN CAST(day_lo(t) + INTERVAL 1 YEAR AS DATE) - 1
  WHEN 7 THEN last_day(day_lo(t)) ELSE day_lo(t) END;
CREATE MACRO scale_of(t) AS CASE WHEN regexp_full_match(t, '-?[0-9]+\\.[0-9]{{1,10}}')
  AND length(replace(t, '-', '')) <= 16 THEN length(t) - strpos(t, '.') ELSE 0 END;
CREATE MACRO exact(j) AS TRY_CAST(CAST(j AS VARCHAR) AS DECIMAL(28, 10));
"""
_TABLES = """
CREATE TABLE known (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10),
  unitless BOOLEAN, type TEXT, place INT);
CREATE TABLE answer (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10));
CREATE TABLE word (word TEXT, concept TEXT);
CREATE TABLE medication (id TEXT, system TEXT, code TEXT, ord INT);
"""
_SUMS = """
SELECT count(*) FILTER (concept IS NULL AND defect IN ('other', 'contained')),
  count(*) FILTER (concept IS NULL AND defect = 'no-patient'),
  count(*) FILTER (concept IS NOT NULL AND defect = 'data-error' AND NOT gone) FROM {part}
"""
_UNMAPPED = """
INSERT INTO gap SELECT DISTINCT patient, $kind, 'local-code-unmapped', COALESCE(word.concept, '')
FROM {part} AS part LEFT JOIN word ON word.word = part.code
WHERE part.concept IS NULL AND defect = 'local-code-unmapped'
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
    known: dict[tuple[str, str, str, str], tuple[object, ...]] = {}
    for place, row in enumerate(sets.rows):
        for kind in sets.sets[row.concept].types:
            unitless = sets.sets[row.concept].unitless
            found = (row.concept, *row.code, row.number, unitless, kind, place)
            known.setdefault((row.concept, *row.code, kind), found)
    _fill(connection, "known", known.values())
    _fill(connection, "answer", ((c, *code, n) for (c, code), n in sets.answers.items()))


def medications(connection: duckdb.DuckDBPyConnection, codes: Mapping[str, Sequence[Code]]) -> None:
    """Fill the table of Medications that others refer to."""
    rows = ((key, *code, n) for key, held in codes.items() for n, code in enumerate(held))
    _fill(connection, "medication", rows)


def read(
    connection: duckdb.DuckDBPyConnection, source: Source, intake: Intake, part: str
) -> dict[str, int]:
    """Make the table `part` of a file's facts; return its sums, or raise UncleanError."""
    reader = intake.reader
    kind = {"kind": source.type}
    shape = SHAPES[source.type]
    systems = ", ".join(_text(system) for system in sorted(reader.systems))
    query = _facts(source.type, shape, systems)
    typed(connection, f"CREATE TABLE {part} AS {query}", source, every=intake.every, **kind)
    others, nobody, unread = _row(connection, _SUMS.format(part=part))
    if others:
        connection.execute(f"DROP TABLE {part}")
        raise UncleanError
    connection.execute(_UNMAPPED.format(part=part), kind)
    if source.type == "Observation":
        answers = results.ANSWERS.format(part=part)
        connection.execute(f"CREATE TABLE answered_{part} AS {answers}")
        written = results.WRITTEN.replace("{part}", part)
        typed(connection, f"CREATE TABLE written_{part} AS {written}", source)
    for key, one in reader.sets.sets.items():
        if one.all_of and source.type in one.types:
            connection.execute(_all_of(part, key, one.all_of))
    return {"no-patient": nobody, "unreadable-value": unread}


def typed(
    connection: duckdb.DuckDBPyConnection, statement: str, source: Source, **values: object
) -> None:
    """Read a file by a statement with $path and $longest; UncleanError where that cannot be done.

    Threads share a file in pieces of twice the longest line: usual lines are tried first.
    """
    for longest in (USUAL, LONGEST):
        given = {"path": str(source.path), "longest": longest, **values}
        try:
            connection.execute(statement, given)
        except duckdb.InvalidInputException as error:
            refused = error
        else:
            return
    raise UncleanError from refused


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return tuple(connection.execute(query).fetchone() or ())


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]
) -> None:
    """Put rows into a table, column by column: one statement, however many they are."""
    parts = zip(*rows, strict=True)
    columns_ = [[None if one is None else str(one) for one in part] for part in parts]
    if columns_:
        listed = ", ".join("unnest(?)" for _ in columns_)
        connection.execute(f"INSERT INTO {table} SELECT {listed}", columns_)


def _spelling(spellings: Mapping[str, str]) -> str:
    """Return the macro that reads how laboratories write a unit."""
    cases = " ".join(f"WHEN {_text(given)} THEN {_text(u)}" for given, u in spellings.items())
    return f"CREATE MACRO spelt(u) AS {f'CASE u {cases} ELSE u END' if cases else 'u'}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _spread(kind: str, shape: Shape, systems: str) -> str:
    """Return the query of a file's resources, one row for each coding that may count."""
    listed = ", ".join(f"\"{n}\": '{t}'" for n, t in columns.columns(kind, shape).items())
    contained = "starts_with(COALESCE(medicationReference.reference, ''), '#')"
    known = f"list_contains([{systems}], codes_[1].system)"
    among = f"list_has_any(list_transform(codes_, lambda x: x.system), [{systems}])"
    understood = f"CASE WHEN {known} THEN TRUE ELSE {among} END"
    return f"""
SELECT *, unnest(CASE WHEN flag_ IS NOT NULL THEN [NULL] ELSE codes_ END) AS coding,
  generate_subscripts(CASE WHEN flag_ IS NOT NULL THEN [NULL] ELSE codes_ END, 1) AS nth
FROM (SELECT *, CASE WHEN type_ IS DISTINCT FROM $kind OR COALESCE(id, '') = '' THEN 'other'
    WHEN {contained if shape.medication else "FALSE"} THEN 'contained'
    WHEN patient = '' THEN 'no-patient'
    WHEN certainty_ > 0 AND NOT COALESCE({understood}, FALSE) THEN 'local-code-unmapped' END
    AS flag_
  FROM (SELECT * RENAME (resourceType AS type_, {shape.patient} AS who_),
      {columns.codes(kind, shape)} AS codes_,
      {columns.patient(f"{shape.patient}.reference")} AS patient,
      {columns.certainty(kind, shape)} AS certainty_
    FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
      columns = {{{listed}}})))"""  # noqa: S608 - names and patterns of ours


def _facts(kind: str, shape: Shape, systems: str) -> str:
    result = results.of(kind)
    return f"""
WITH spread AS ({_spread(kind, shape, systems)}),
matched AS (
  SELECT spread.*, known.concept, known.code AS found_code, known.number AS own, unitless, place
  FROM spread LEFT JOIN (SELECT * FROM known WHERE type = $kind) AS known
    ON known.system = coding.system AND known.code = coding.code
  WHERE known.concept IS NOT NULL OR flag_ IS NOT NULL OR $every),
dated AS (
  SELECT *, day_lo(moment_) AS lo, {columns.since(shape)} AS since, {result.number} AS found,
    {result.written} AS written_, {result.range_} AS range_
  FROM (SELECT *, {columns.moment(shape)} AS moment_ FROM matched)),
measured AS (
  SELECT *, CASE WHEN length(moment_) > 7 THEN lo ELSE day_hi(moment_) END AS hi,
    {columns.broken(shape, "lo")} AS broken, {result.unit} AS unit_ FROM dated)
SELECT hash(patient, $kind, id) AS whose, patient, concept, $kind AS type, id,
  COALESCE(meta.versionId, '') AS version,
  COALESCE(meta.lastUpdated, '') AS updated,
  CASE WHEN flag_ IS NULL THEN found_code ELSE lower(trim({columns.words(kind, shape)})) END
    AS code, since, lo, hi,
  CASE WHEN own IS NOT NULL THEN own ELSE found END AS number,
  CASE WHEN own IS NOT NULL THEN '' ELSE {result.comparator} END AS comparator,
  CASE WHEN own IS NULL THEN unit_ WHEN unitless THEN '1' ELSE '' END AS unit,
  CASE WHEN own IS NULL THEN {result.low} END AS low,
  CASE WHEN own IS NULL THEN {result.high} END AS high,
  certainty_ = 1 AS weak, {columns.ended(kind)} AS ended,
  CASE WHEN flag_ IS NOT NULL THEN flag_ WHEN concept IS NULL THEN 'passed'
    WHEN broken THEN 'data-error'
    WHEN own IS NOT NULL THEN '' ELSE {result.defect} END AS defect,
  certainty_ = 0 AS gone, CAST(nth AS INT) AS nth, place, broken,
  CASE WHEN own IS NULL AND flag_ IS NULL THEN {result.given} END AS given
FROM measured"""  # noqa: S608 - expressions of ours


def _all_of(part: str, key: str, names: Sequence[str]) -> str:
    """Return what adds the facts of resources that carry a code of each of these sets."""
    first, others = _text(names[0]), ", ".join(_text(name) for name in names[1:])
    return f"""
INSERT INTO {part} SELECT * REPLACE ({_text(key)} AS concept) FROM {part}
WHERE concept = {first} AND (patient, id, updated, version) IN (
  SELECT (patient, id, updated, version) FROM {part} WHERE concept IN ({others})
  GROUP BY ALL HAVING count(DISTINCT concept) = {len(names) - 1})"""  # noqa: S608 - names of ours
