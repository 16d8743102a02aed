"""A clean NDJSON file of one type as facts, by one typed read; a file that is not is refused.

The meaning is that of screening/reading.py. A line that is no JSON, a member named twice or of
another shape, a byte-order mark, a line of another type: DuckDB refuses the file, and the caller
reads it line by line instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from netfhir.screening.files import LONGEST
from netfhir.screening.shapes import ENDED, SHAPES, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.screening.files import Source
    from netfhir.screening.reading import Reader

_CODING = "STRUCT(system VARCHAR, code VARCHAR)[]"
_CONCEPT = f"STRUCT(coding {_CODING}, text VARCHAR)"
_QUANTITY = "STRUCT(value JSON, comparator VARCHAR, unit VARCHAR, code VARCHAR)"
_PERIOD = 'STRUCT(start VARCHAR, "end" VARCHAR)'
_OTHER_VALUES = ["valueString", "valueBoolean", "valueRange", "valueRatio", "valueSampledData", "valueTime", "valueDateTime", "valuePeriod"]
_OBSERVATION = {
    "valueQuantity": _QUANTITY,
    "valueInteger": "JSON",
    "valueCodeableConcept": _CONCEPT,
    "interpretation": f"{_CONCEPT}[]",
    "referenceRange": f"STRUCT(low {_QUANTITY}, high {_QUANTITY}, type {_CONCEPT})[]",
    **dict.fromkeys(_OTHER_VALUES, "JSON"),
}
_PATIENT = "^(?:.*/)?Patient/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]+)?$"
_MEDICATION = "^(?:.*/)?Medication/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]+)?$"
_DATE = r"^\d{4}(-\d{2}(-\d{2}(T[0-9:.]+(Z|[+-]\d{2}:\d{2})?)?)?)?$"
MACROS = f"""
CREATE MACRO day_lo(t) AS CASE WHEN regexp_matches(t, '{_DATE}')
  THEN TRY_CAST(left(t, 10) || '-01-01'[1 + greatest(length(left(t, 10)) - 4, 0):] AS DATE) END;
CREATE MACRO day_hi(t) AS CASE WHEN length(t) = 4 THEN TRY_CAST(day_lo(t) + INTERVAL 1 YEAR AS DATE) - 1
  WHEN length(t) = 7 THEN last_day(day_lo(t)) ELSE day_lo(t) END;
CREATE MACRO exact(j) AS TRY_CAST(CAST(j AS VARCHAR) AS DECIMAL(28, 10));
CREATE MACRO spelt(u) AS COALESCE((SELECT ucum FROM spelling WHERE given = u), u);
"""
MACROS = MACROS.replace(
    "'-01-01'[1 + greatest(length(left(t, 10)) - 4, 0):]",
    "CASE length(left(t, 10)) WHEN 4 THEN '-01-01' WHEN 7 THEN '-01' ELSE '' END",
)


class UncleanError(Exception):
    """The file cannot be read by type: it has to be read line by line."""


def prepare(connection: duckdb.DuckDBPyConnection, reader: Reader) -> None:
    """Create the macros, and the tables of codes, answers and spellings."""
    sets = reader.sets
    connection.execute("CREATE TABLE spelling (given TEXT, ucum TEXT)")
    connection.execute(
        "CREATE TABLE known (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10), unitless BOOLEAN, type TEXT, place INT)"
    )
    connection.execute(
        "CREATE TABLE answer (concept TEXT, system TEXT, code TEXT, number DECIMAL(28, 10))"
    )
    connection.execute("CREATE TABLE word (word TEXT, concept TEXT)")
    connection.execute("CREATE TABLE medication (id TEXT, system TEXT, code TEXT, ord INT)")
    connection.execute(MACROS)
    _fill(connection, "spelling", reader.spellings.items())
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


def medications(
    connection: duckdb.DuckDBPyConnection, reader: dict[str, list[tuple[str, str]]]
) -> None:
    """Fill the table of Medications that others refer to."""
    _fill(
        connection,
        "medication",
        ((key, *code, n) for key, codes in reader.items() for n, code in enumerate(codes)),
    )


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]
) -> None:
    rows = list(rows)
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names of ours


def read(connection: duckdb.DuckDBPyConnection, source: Source, reader: Reader) -> dict[str, int]:
    """Append the facts and gaps of a file; return its sums, or raise UncleanError."""
    shape = SHAPES[source.type]
    try:
        connection.execute(_read_table(source, shape), {"path": str(source.path)})
        found = connection.execute(
            "SELECT count(*), count(*) FILTER (type_ IS DISTINCT FROM $kind OR id IS NULL OR id = ''), "
            "count(*) FILTER (patient = ''), "
            + ("count(*) FILTER (contained_)" if shape.medication else "0")
            + " FROM raw",
            {"kind": source.type},
        ).fetchone()
        if found is None or found[1] or found[3]:
            raise UncleanError
        connection.execute(_facts(source.type, shape), {"kind": source.type})
        for key, one in reader.sets.sets.items():
            if one.all_of and source.type in one.types:
                connection.execute(_all_of(key, one.all_of))
        connection.execute(_unmapped(), {"systems": sorted(reader.systems), "kind": source.type})
        unreadable = connection.execute(
            "SELECT count(*) FROM now WHERE defect = 'data-error'"
        ).fetchone()
        connection.execute("INSERT INTO read_fact SELECT * EXCLUDE (place) FROM now")
    except duckdb.InvalidInputException as error:
        raise UncleanError from error
    finally:
        connection.execute("DROP TABLE IF EXISTS raw")
        connection.execute("DROP TABLE IF EXISTS now")
    return {
        "resources": found[0],
        "no-patient": found[2],
        "unreadable-value": unreadable[0] if unreadable else 0,
    }


def _read_table(source: Source, shape: Shape) -> str:
    """Return what reads the needed members and leaves out what the status says is not so."""
    columns = {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "meta": "STRUCT(versionId VARCHAR, lastUpdated VARCHAR)",
        shape.patient: "STRUCT(reference VARCHAR)",
        **{name: _PERIOD if name.endswith("Period") else "VARCHAR" for name in shape.dates},
        **dict.fromkeys(shape.codes, _CONCEPT),
    }
    if source.type == "ImagingStudy":
        columns["procedureCode"] = f"{_CONCEPT}[]"
    if source.type == "Observation":
        columns |= _OBSERVATION
    if source.type == "Condition":
        columns["clinicalStatus"] = _CONCEPT
    if shape.coded_status:
        columns[shape.coded_status] = _CONCEPT
    else:
        columns["status"] = "VARCHAR"
        columns["doNotPerform"] = "BOOLEAN"
    if shape.medication:
        columns |= {"medicationReference": "STRUCT(reference VARCHAR)"}
    listed = ", ".join(f"{_quoted(n)}: '{t}'" for n, t in columns.items())
    contained = ", starts_with(COALESCE(medicationReference.reference, ''), '#') AS contained_"
    if source.type == "ImagingStudy":
        codes = "flatten(list_transform(procedureCode, lambda x: x.coding))"
    elif shape.medication:
        codes = (
            "list_concat(medicationCodeableConcept.coding, (SELECT list({'system': m.system, "
            "'code': m.code} ORDER BY ord) FROM medication AS m WHERE m.id = "
            f"regexp_extract(medicationReference.reference, '{_MEDICATION}', 1)))"
        )
    else:
        codes = "code.coding"
    text = "''" if source.type == "ImagingStudy" else f"COALESCE({shape.codes[0]}.text, '')"
    certainty = _certainty(source.type, shape)
    return (
        f"CREATE TEMP TABLE raw AS SELECT * RENAME (resourceType AS type_, {shape.patient} AS who_), {codes} AS codes_, {text} AS text_, "
        f"COALESCE(regexp_extract({shape.patient}.reference, '{_PATIENT}', 1), '') AS patient, "
        f"{certainty} AS certainty_{contained if shape.medication else ''} FROM read_json($path, "
        f"format = 'newline_delimited', maximum_object_size = {LONGEST}, columns = {{{listed}}})"
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _certainty(kind: str, shape: Shape) -> str:
    """Return SQL for 0 (not so), 1 (weak) or 2 (full)."""
    full, absent = _list(shape.full), _list(shape.absent)
    if shape.coded_status:
        given = f"list_filter(list_transform({shape.coded_status}.coding, lambda x: COALESCE(x.code, '')), lambda c: c <> '')"
        statuses = f"CASE WHEN COALESCE(len({given}), 0) = 0 THEN ['-'] ELSE {given} END"
        return (
            f"CASE WHEN list_has_any({statuses}, {absent}) THEN 0 "
            f"WHEN list_has_any({statuses}, {full}) THEN 2 ELSE 1 END"
        )
    status = "COALESCE(NULLIF(status, ''), '-')"
    sure = "FALSE" if kind == "MedicationRequest" else f"list_contains({full}, {status})"
    return (
        f"CASE WHEN COALESCE(doNotPerform, FALSE) OR list_contains({absent}, {status}) THEN 0 "
        f"WHEN {sure} THEN 2 ELSE 1 END"
    )


def _list(names: Iterable[str]) -> str:
    return "CAST([" + ", ".join(f"'{name}'" for name in names) + "] AS VARCHAR[])"


def _facts(kind: str, shape: Shape) -> str:
    since, lo, hi, broken = _dates(shape)
    ended = (
        f"COALESCE(list_has_any(list_transform(clinicalStatus.coding, lambda x: x.code), {_list(ENDED)}), FALSE)"
        if kind == "Condition"
        else "FALSE"
    )
    number, comparator, unit, low, high, answer, defect = (
        _results() if kind == "Observation" else _no_results()
    )
    return f"""
CREATE TEMP TABLE now AS
WITH spread AS (
  SELECT raw.*, unnest(codes_) AS coding, generate_subscripts(codes_, 1) AS nth
  FROM raw WHERE certainty_ > 0 AND patient <> ''),
matched AS (
  SELECT spread.*, known.concept, known.code AS matched, known.number AS own, unitless, place
  FROM spread JOIN known ON known.system = spread.coding.system AND known.code = spread.coding.code
    AND known.type = $kind
  QUALIFY row_number() OVER (PARTITION BY patient, id, meta, concept ORDER BY nth, place) = 1),
dated AS (
  SELECT *, {since} AS since, {lo} AS lo, {hi} AS hi, {broken} AS broken FROM matched),
measured AS (
  SELECT *, {number} AS found, {unit} AS unit_, {answer} AS answer_ FROM dated)
SELECT patient, concept, $kind AS type, id, COALESCE(meta.versionId, '') AS version,
  COALESCE(meta.lastUpdated, '') AS updated,
  CASE WHEN own IS NULL AND answer_ IS NOT NULL THEN answer_.code ELSE matched END AS code,
  since, lo, hi,
  CASE WHEN own IS NOT NULL THEN own ELSE found END AS number,
  CASE WHEN own IS NOT NULL THEN '' ELSE {comparator} END AS comparator,
  CASE WHEN own IS NOT NULL THEN CASE WHEN unitless THEN '1' ELSE '' END ELSE unit_ END AS unit,
  CASE WHEN own IS NULL THEN {low} END AS low, CASE WHEN own IS NULL THEN {high} END AS high,
  certainty_ = 1 AS weak, {ended} AS ended,
  CASE WHEN broken THEN 'data-error' WHEN own IS NOT NULL THEN '' ELSE {defect} END AS defect,
  place
FROM measured"""


def _dates(shape: Shape) -> tuple[str, str, str, str]:
    """Return SQL for since, lo and hi of the first date that is given, and whether it is broken."""
    since, lo, hi, broken = [], [], [], []
    for name in shape.dates:
        given = f"WHEN {name} IS NOT NULL THEN"
        if name.endswith("Period"):
            start, end = f"{name}.start", f'{name}."end"'
            since.append(f"{given} day_lo({start})")
            lo.append(f"{given} day_lo({end})")
            hi.append(f"{given} day_hi({end})")
            unread = [f"{part} IS NOT NULL AND day_lo({part}) IS NULL" for part in (start, end)]
            broken.append(f"{given} CASE WHEN {' OR '.join(unread)} THEN error('period') END")
        else:
            since.append(f"{given} NULL")
            lo.append(f"{given} day_lo({name})")
            hi.append(f"{given} day_hi({name})")
            broken.append(f"{given} day_lo({name}) IS NULL")
    cases = [" ".join(branch) for branch in (since, lo, hi, broken)]
    kinds = ("CAST(NULL AS DATE)",) * 3 + ("FALSE",)
    whole = [f"CASE {c} ELSE {k} END" for c, k in zip(cases, kinds, strict=True)]
    return whole[0], whole[1], whole[2], f"COALESCE({whole[3]}, FALSE)"


def _no_results() -> tuple[str, ...]:
    nothing = "CAST(NULL AS DECIMAL(28, 10))"
    answer = "CAST(NULL AS STRUCT(code VARCHAR, number DECIMAL(28, 10)))"
    return nothing, "''", "''", nothing, nothing, answer, "''"


def _results() -> tuple[str, ...]:
    """Return SQL for number, comparator, unit, low, high, answer and defect of an Observation."""
    unit = "spelt(COALESCE(NULLIF(valueQuantity.code, ''), valueQuantity.unit, ''))"
    answer = (
        "(SELECT {'code': a.code, 'number': a.number} FROM (SELECT unnest(list_concat("
        "valueCodeableConcept.coding, flatten(list_transform(interpretation, lambda x: x.coding)))) AS g, "
        "generate_subscripts(list_concat(valueCodeableConcept.coding, "
        "flatten(list_transform(interpretation, lambda x: x.coding))), 1) AS nth) JOIN answer AS a "
        "ON a.system = g.system AND a.code = g.code AND a.concept = dated.concept ORDER BY nth LIMIT 1)"
    )
    range_ = (
        "CASE WHEN len(list_filter(referenceRange, lambda r: r.type IS NULL OR "
        "list_distinct(list_transform(r.type.coding, lambda c: c.code)) = ['normal'])) = 1 THEN "
        "list_filter(referenceRange, lambda r: r.type IS NULL OR "
        "list_distinct(list_transform(r.type.coding, lambda c: c.code)) = ['normal'])[1] END"
    )

    def side(name: str) -> str:
        given = {
            part: f"spelt(COALESCE(NULLIF(({range_}).{part}.code, ''), ({range_}).{part}.unit, ''))"
            for part in ("low", "high")
        }
        fits = " AND ".join(f"{one} IN ('', unit_)" for one in given.values())
        return f"CASE WHEN valueQuantity IS NOT NULL AND {fits} THEN exact(({range_}).{name}.value) END"

    number = f"CASE WHEN valueQuantity IS NOT NULL THEN exact(valueQuantity.value) WHEN valueInteger IS NOT NULL THEN exact(valueInteger) ELSE ({answer}).number END"
    units = (
        f"CASE WHEN valueQuantity IS NOT NULL THEN CASE WHEN {unit} = '' AND unitless THEN '1' ELSE {unit} END "
        f"WHEN valueInteger IS NOT NULL THEN CASE WHEN unitless THEN '1' ELSE '' END "
        f"WHEN ({answer}).number IS NOT NULL THEN '1' ELSE '' END"
    )
    chosen = f"CASE WHEN valueQuantity IS NULL AND valueInteger IS NULL THEN {answer} END"
    other = " OR ".join(f"{name} IS NOT NULL" for name in _OTHER_VALUES)
    defect = (
        "CASE WHEN valueQuantity IS NOT NULL THEN CASE WHEN valueQuantity.value IS NULL THEN 'no-data' "
        "WHEN found IS NULL THEN 'data-error' ELSE '' END "
        "WHEN valueInteger IS NOT NULL THEN CASE WHEN found IS NULL THEN 'data-error' ELSE '' END "
        "WHEN answer_ IS NOT NULL THEN CASE WHEN answer_.number IS NULL THEN 'no-data' ELSE '' END "
        "WHEN valueCodeableConcept IS NOT NULL THEN 'local-code-unmapped' "
        f"WHEN {other} THEN 'data-error' ELSE 'no-data' END"
    )
    comparator = "CASE WHEN valueQuantity IS NOT NULL THEN COALESCE(valueQuantity.comparator, '') ELSE '' END"
    return number, comparator, units, side("low"), side("high"), chosen, defect


def _all_of(key: str, parts: Iterable[str]) -> str:
    """Return what adds the facts of resources that carry a code of each of these sets."""
    names = [f"'{part}'" for part in parts]
    return f"""
INSERT INTO now SELECT * REPLACE ('{key}' AS concept) FROM now WHERE concept = {names[0]} AND EXISTS (
  SELECT 1 FROM now AS other WHERE other.concept IN ({", ".join(names[1:])})
    AND other.patient = now.patient AND other.id = now.id
    AND other.version = now.version AND other.updated = now.updated
  HAVING count(DISTINCT other.concept) = {len(names) - 1})"""  # noqa: S608 - names of ours


def _unmapped() -> str:
    return """
INSERT INTO gap SELECT DISTINCT patient, $kind, 'local-code-unmapped', COALESCE(word.concept, '')
FROM raw LEFT JOIN word ON word.word = lower(trim(text_))
WHERE certainty_ > 0 AND patient <> '' AND NOT COALESCE(
  list_has_any(list_transform(codes_, lambda x: x.system), $systems), FALSE)"""
