"""Clean files of Patients and Consents, by one typed read; the meaning is that of people.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.engines import flat_columns as columns
from netfhir.screening.engines.flattening import UncleanError, typed
from netfhir.screening.shapes import CONSENT_SCOPE

if TYPE_CHECKING:
    import duckdb

    from netfhir.screening.files import Source

_SYSTEM, _CODE = CONSENT_SCOPE
_OTHERS = "SELECT count(*) FROM part WHERE type_ IS DISTINCT FROM $kind OR COALESCE(id, '') = ''"
_COMMON = {"resourceType": "VARCHAR", "id": "VARCHAR"}
_COLUMNS = {
    "Patient": {
        **_COMMON,
        "meta": columns.META,
        "gender": "JSON",
        "birthDate": "JSON",
        "deceasedBoolean": "JSON",
        "deceasedDateTime": "JSON",
    },
    "Consent": {
        **_COMMON,
        "meta": columns.META,
        "status": "VARCHAR",
        "scope": columns.CONCEPT,
        "patient": "STRUCT(reference VARCHAR)",
        "dateTime": "VARCHAR",
        "provision": f"STRUCT(type VARCHAR, period {columns.PERIOD})",
    },
}


def _told(name: str) -> str:
    return f"CASE WHEN json_type({name}) = 'VARCHAR' THEN {name} ->> '$' END"


_READ = {
    "Patient": f"""
SELECT resourceType AS type_, id, COALESCE(meta.versionId, '') AS version,
  COALESCE(meta.lastUpdated, '') AS updated, COALESCE({_told("gender")}, '') AS gender,
  birthDate IS NOT NULL AS given, {_told("birthDate")} AS born, day_lo(born) AS born_lo,
  day_hi(born) AS born_hi,
  deceasedDateTime IS NOT NULL OR CAST(deceasedBoolean AS VARCHAR) IS NOT DISTINCT FROM 'true'
    AS deceased""",  # noqa: S608 - names of ours
    "Consent": f"""
SELECT resourceType AS type_, id,
  {columns.patient("patient.reference")} AS patient,
  COALESCE(meta.versionId, '') AS version, COALESCE(meta.lastUpdated, '') AS updated,
  status IS NOT DISTINCT FROM 'active' AS stands, COALESCE(list_contains(scope.coding,
    {{'system': '{_SYSTEM}', 'code': '{_CODE}'}}), FALSE) AS counts,
  provision.period.start AS from_, provision.period."end" AS to_,
  from_ IS NOT NULL AND day_lo(from_) IS NULL OR to_ IS NOT NULL AND day_lo(to_) IS NULL AS broken,
  provision.type IS NOT DISTINCT FROM 'permit' AND NOT broken AS permit,
  CASE WHEN broken THEN DATE '9999-12-31' ELSE day_lo(dateTime) END AS decided,
  CASE WHEN NOT broken THEN day_lo(from_) END AS "start",
  CASE WHEN NOT broken THEN day_hi(to_) END AS "end" """,  # noqa: S608 - names of ours
}
_PEOPLE = (
    "INSERT INTO read_person SELECT id, version, updated, gender, born_lo, born_hi, deceased "
    "FROM part"
)
_MALFORMED = (
    "INSERT INTO gap SELECT id, 'Patient', 'data-error', '' FROM part "
    "WHERE given AND born_lo IS NULL"
)
_CONSENTS = (
    'INSERT INTO read_consent SELECT patient, permit, decided, "start", "end", id, '
    "version, updated, stands FROM part WHERE counts"
)
_PUT = {"Patient": (_PEOPLE, _MALFORMED), "Consent": (_CONSENTS,)}


def read(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    """Append the Patients or Consents of a file; return how many have a birth date that is none.

    Raises UncleanError where the file has to be read line by line.
    """
    kind = source.type
    listed = ", ".join(f"\"{name}\": '{type_}'" for name, type_ in _COLUMNS[kind].items())
    statement = (
        f"CREATE OR REPLACE TEMP TABLE part AS {_READ[kind]} FROM read_json($path, "
        f"format = 'newline_delimited', maximum_object_size = $longest, columns = {{{listed}}})"
    )
    typed(connection, statement, source)
    if _count(connection, _OTHERS, {"kind": kind}):
        raise UncleanError
    for statement in _PUT[kind]:
        connection.execute(statement)
    if kind == "Consent":
        return 0
    return _count(connection, "SELECT count(*) FROM part WHERE given AND born_lo IS NULL", {})


def _count(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, str]) -> int:
    (found,) = connection.execute(query, values).fetchone() or (0,)
    return int(found)
