"""The tables of the DuckDB engine: as they are read, and as criteria are judged by them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    import duckdb


FACT = (
    "patient TEXT, concept TEXT, type TEXT, id TEXT, version TEXT, updated TEXT, code TEXT, "
    "since DATE, lo DATE, hi DATE, number DECIMAL(28, 10), comparator TEXT, unit TEXT, "
    "low DECIMAL(28, 10), high DECIMAL(28, 10), weak BOOLEAN, ended BOOLEAN, defect TEXT, "
    "gone BOOLEAN, scale INT, low_scale INT, high_scale INT"
)
PERSON = (
    "id TEXT, version TEXT, updated TEXT, gender TEXT, born_lo DATE, born_hi DATE, deceased BOOLEAN"
)
CONSENT = (
    'patient TEXT, permit BOOLEAN, decided DATE, "start" DATE, "end" DATE, id TEXT, version TEXT, '
    "updated TEXT, stands BOOLEAN"
)
GAP = "patient TEXT, type TEXT, cause TEXT, concept TEXT"
SCALES = ("scale", "low_scale", "high_scale")
SHAPES = {"read_fact": FACT, "read_person": PERSON, "read_consent": CONSENT, "gap": GAP}
_LATER = "updated DESC, length(version) DESC, version DESC"

#: Each patient once, as the latest copy has it, numbered in order of ids; and who may be screened:
#: the latest decision that is in force counts, of two of one day the refusal.
_PEOPLE = f"""
CREATE TABLE person AS
SELECT CAST(row_number() OVER (ORDER BY id) AS INT) AS pno, one.*,
  COALESCE(may, $unasked) AS permitted, COALESCE(lost, $all_lost) AS born_broken
FROM (SELECT * FROM read_person
  QUALIFY row_number() OVER (PARTITION BY id ORDER BY {_LATER}) = 1) AS one
LEFT JOIN (
  SELECT patient, bool_and(permit) AS may FROM (
    SELECT *, rank() OVER (PARTITION BY patient ORDER BY decided DESC NULLS LAST) AS nth
    FROM (SELECT * FROM read_consent
      QUALIFY rank() OVER (PARTITION BY patient, id ORDER BY {_LATER}) = 1)
    WHERE stands AND ("start" IS NULL OR "start" <= $as_of)
      AND ("end" IS NULL OR $as_of <= "end"))
  WHERE nth = 1 GROUP BY patient) AS decision ON decision.patient = one.id
LEFT JOIN (SELECT DISTINCT patient, TRUE AS lost FROM gap WHERE type = 'Patient') AS broken
  ON broken.patient = one.id
"""  # noqa: S608 - names of ours
_READ = """
SELECT {columns}, CAST(NULL AS STRUCT(code TEXT, number DECIMAL(28, 10))) AS answer_,
  0 AS nth, 0 AS place, FALSE AS broken, whose
FROM (SELECT *, hash(patient, type, id) AS whose FROM read_fact) {only}
"""
_PART = """
SELECT {columns}, {answer} AS answer_, nth, place, broken, whose
FROM (SELECT rowid AS at, * FROM {part} {only}) AS part {joined} WHERE part.concept IS NOT NULL
"""
_ONLY = "SEMI JOIN double USING (whose)"
#: Resources that say nothing take back what earlier copies of them said.
_PASSED = """
SELECT {columns}, 0, 0, 0, CAST(NULL AS STRUCT(code TEXT, number DECIMAL(28, 10))) AS answer_,
  nth, 0, FALSE, whose FROM (SELECT * REPLACE ('' AS concept, TRUE AS gone) FROM {part}
  {only} WHERE concept IS NULL AND patient <> '')
"""
#: Resources that are there more than once, by copies or codes: the latest copy counts. `whose` is
#: a hash: a resource that is there once may be taken for one of them, and counts all the same.
_DOUBLE = """
CREATE TABLE double AS SELECT whose FROM ({read}) GROUP BY ALL HAVING count(*) > 1
"""
_LATEST = f"""
CREATE TABLE latest AS FROM ({{read}})
QUALIFY rank() OVER (PARTITION BY patient, type, id ORDER BY {_LATER}) = 1
  AND row_number() OVER (PARTITION BY patient, type, id, concept
    ORDER BY {_LATER}, nth, place) = 1
"""
_FIELDS = ", ".join(one for one in FACT.split(", ") if one not in ("patient TEXT", "gone BOOLEAN"))
#: All facts of known patients; of what was read of a code, the coded result as its set reads it.
#: In order of sets, patients and resources: `rank` puts them in order of time, and names the row.
_FACTS = """
INSERT INTO facts BY NAME
SELECT pno, r.* EXCLUDE (whose, answer_, broken, patient, nth, place, gone) REPLACE (
    CASE WHEN answer_ IS NULL THEN code ELSE answer_.code END AS code,
    CASE WHEN answer_ IS NULL THEN number ELSE answer_.number END AS number,
    CASE WHEN answer_.number IS NULL THEN unit ELSE '1' END AS unit,
    CASE WHEN answer_ IS NULL OR broken THEN defect
      WHEN answer_.number IS NULL THEN 'no-data' ELSE '' END AS defect)
FROM (
  SELECT * FROM ({read}) ANTI JOIN double USING (whose) WHERE concept BETWEEN $first AND $last
  UNION ALL
  FROM latest WHERE concept BETWEEN $first AND $last) AS r
JOIN person ON person.id = r.patient
WHERE NOT gone
ORDER BY concept, pno, type, id
"""
#: Facts as they were on the day: what lasts, or may lie later, ends with it.
_FACT = """
CREATE VIEW fact AS
SELECT *, COALESCE(hi - DATE '0001-01-01' + 1, 0) * 4294967296 + row AS rank
FROM (SELECT * REPLACE (
    CASE WHEN lo IS NULL AND since IS NOT NULL THEN greatest(since, {day}) ELSE lo END AS lo,
    CASE WHEN lo IS NULL AND since IS NOT NULL THEN greatest(since, {day})
         WHEN lo <= {day} AND hi > {day} THEN {day} ELSE hi END AS hi),
  rowid AS row FROM facts)
"""
_GAPS = """
CREATE TABLE gap_of AS
SELECT COALESCE(pno, 0) AS pno, type, cause, concept FROM gap LEFT JOIN person
ON person.id = gap.patient WHERE pno IS NOT NULL OR patient = ''
"""
#: How many facts there are, and how many of them are of nobody who is known.
_COUNTS = """
SELECT concept, type, count(*), count(*) FILTER (patient NOT IN (SELECT id FROM person))
FROM ({read}) WHERE NOT gone GROUP BY ALL ORDER BY ALL
"""


#: What evidence says of a fact: a number (of ten places) is plain, with the zeros that it had.
_MACROS = """
CREATE MACRO number_text(n, scale) AS left(CAST(n AS TEXT), greatest(
  length(rtrim(rtrim(CAST(n AS TEXT), '0'), '.')),
  CASE WHEN scale > 0 THEN length(CAST(n AS TEXT)) - 10 + scale ELSE 0 END));
CREATE MACRO evidence_of(type_, id_, version_, code_, number_, scale_, comparator_, unit_, first_,
  last_, words_) AS {'type': type_, 'id': id_, 'version': version_,
  'value': CASE WHEN number_ IS NULL THEN code_
    ELSE comparator_ || number_text(number_, scale_) END,
  'unit': CASE WHEN number_ IS NULL THEN '' ELSE unit_ END, 'threshold': words_,
  'effective': [CAST(first_ AS TEXT), CAST(last_ AS TEXT)]};
"""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that reading fills."""
    connection.execute(_MACROS)
    for table, columns in SHAPES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")


def people(connection: duckdb.DuckDBPyConnection, as_of: date, *, unasked: bool) -> int:
    """Make the table of patients; `unasked`: whether one without a decision may be screened.

    Returns how many copies of a Patient there were beside the first.
    """
    some = "SELECT count(*) > 0 FROM gap WHERE type = 'Patient' AND patient = ''"
    (all_lost,) = connection.execute(some).fetchone() or (False,)
    values = {"as_of": as_of, "unasked": unasked, "all_lost": all_lost}
    connection.execute(_PEOPLE, values)
    counted = "SELECT (SELECT count(*) FROM read_person) - (SELECT count(*) FROM person)"
    (copies,) = connection.execute(counted).fetchone() or (0,)
    return int(copies)


def facts(
    connection: duckdb.DuckDBPyConnection, parts: Mapping[str, bool], as_of: date, *, at_once: int
) -> Counter[str]:
    """Make the table of facts from its parts (name -> whether it has coded results).

    About so many facts are put in order `at_once`: memory does not grow with the hospital.

    One fact for each resource and concept, as it was on the day, with what orders it in time.
    Returns by type how many facts belong to nobody who is known.
    """
    whole, some = (" UNION ALL ".join(_read(parts, only)) for only in ("", _ONLY))
    sizes, orphans = _counted(connection, whole)
    connection.execute(_DOUBLE.format(read=whole))
    connection.execute(_LATEST.format(read=some))
    connection.execute(f"CREATE TABLE facts (pno INT, {_FIELDS})")
    connection.execute("SET preserve_insertion_order = true")
    for first, last in _spans(sizes, at_once):
        connection.execute(_FACTS.format(read=whole), {"first": first, "last": last})
    connection.execute("SET preserve_insertion_order = false")
    for part, coded in parts.items():
        connection.execute(f"DROP TABLE {part}")
        if coded:
            connection.execute(f"DROP TABLE answered_{part}")
            connection.execute(f"DROP TABLE written_{part}")
    view = _FACT.format(day=f"DATE '{as_of.isoformat()}'")
    for statement in (view, "DROP TABLE double", "DROP TABLE latest", _GAPS):
        connection.execute(statement)
    return orphans


def _read(parts: Mapping[str, bool], only: str) -> Iterator[str]:
    """Yield the queries of all that was read, or `only` of some of it."""
    named = ", ".join(name for name, _ in columns(FACT))
    yield _READ.format(columns=named, only=only)
    unwritten = named.partition(", scale")[0]
    for part, coded in parts.items():
        if not coded:
            scales = ", 0 AS scale, 0 AS low_scale, 0 AS high_scale"
            listed = unwritten + scales
            yield _PART.format(columns=listed, part=part, only=only, joined="", answer="NULL")
            continue
        scales = ", " + ", ".join(f"COALESCE({name}, 0) AS {name}" for name in SCALES)
        joined = (
            f"LEFT JOIN answered_{part} ON answered_{part}.rid = part.at "
            f"LEFT JOIN written_{part} ON written_{part}.rid = part.at"
        )
        listed = unwritten + scales
        yield _PART.format(columns=listed, part=part, only=only, joined=joined, answer="answer_")
        yield _PASSED.format(columns=unwritten, part=part, only=only)


def _counted(
    connection: duckdb.DuckDBPyConnection, whole: str
) -> tuple[Counter[str], Counter[str]]:
    """Return by set, in order, how many facts there are, and by type how many are of nobody."""
    sizes: Counter[str] = Counter()
    orphans: Counter[str] = Counter()
    for concept, kind, count, lost in connection.execute(_COUNTS.format(read=whole)).fetchall():
        sizes[concept] += count
        orphans[kind] += lost
    return sizes, orphans


def _spans(sizes: Mapping[str, int], at_once: int) -> Iterator[tuple[str, str]]:
    """Yield the first and last of neighbouring sets that have enough facts together."""
    first, count = "", 0
    for name, size in sizes.items():
        first, count = (first if count else name), count + size
        if count >= at_once:
            yield first, name
            count = 0
    if count:
        yield first, name


def columns(shape: str) -> Iterable[tuple[str, str]]:
    """Yield name and type of the columns of a table, as JSON has them."""
    for part in shape.replace("(28, 10)", "(28;10)").split(", "):
        name, _, kind = part.partition(" ")
        yield name, "TEXT" if kind.startswith("DECIMAL") else kind
