"""One criterion as one query: a row for each patient, with every column of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment, named, one_of
from netfhir.screening.engines.sql_needs import NO_EVIDENCE, query
from netfhir.screening.engines.sql_places import latest
from netfhir.screening.engines.sql_rules import Part, asked, compiled
from netfhir.screening.needs import Age, AnyNeed, Facts, Person, Presence, Value
from netfhir.screening.shapes import COVERAGE

if TYPE_CHECKING:
    from netfhir.screening.criteria import Criterion
    from netfhir.screening.protocol import Protocol

NULL = exp.null()
AGE_LIMIT = 10_000


def events(protocol: Protocol) -> list[str]:
    """Return the sets whose latest event some need looks for: of anchors and documents."""
    needs = [need for one in protocol.file.criteria.values() for need in one.needs.values()]
    found = {need.document.concept for need in needs if need.document}
    found |= {need.window.anchor for need in needs if isinstance(need, Facts) and need.window}
    return sorted(found)


def criterion(protocol: Protocol, key: str, ordinal: int) -> Sql:
    """Return the query of one criterion over `person`, `fact` and `gap_of`."""
    one = protocol.file.criteria[key]
    answers = exp.select("person.pno", "person.id AS patient", "gender", "permitted")
    answers = answers.from_("person", copy=False)
    parts = {name: Part.of(number) for number, name in enumerate(asked(one))}
    for number, name in enumerate(parts):
        answers = _answer(answers, one.needs[name], number, protocol)
    said = compiled(one.rule, one, parts)
    return _verdict(key, ordinal, one, said).from_(exp.Subquery(this=answers, alias="answers"))


def _verdict(key: str, ordinal: int, one: Criterion, said: Part) -> exp.Select:
    barred = fragment("NOT permitted")
    out = [(barred, NULL)]
    if one.not_for:
        out.append((one_of("gender", one.not_for), NULL))
    known = fragment("(:truth) IS NOT NULL", truth=said.truth)
    status = [(barred, exp.Literal.string("unknown"))]
    if one.not_for:
        status.append((one_of("gender", one.not_for), exp.Literal.string("not-applicable")))
    status += [
        (said.truth, exp.Literal.string("met")),
        (exp.not_(exp.paren(said.truth, copy=False), copy=False), exp.Literal.string("not-met")),
    ]
    none = [(condition, NO_EVIDENCE) for condition, _ in out]
    cause = [(barred, exp.Literal.string("not-consented")), *out[1:], (known, NULL)]
    return exp.select(
        "pno",
        "patient",
        named(exp.Literal.string(key), "criterion"),
        named(exp.convert(ordinal), "ordinal"),
        named(cases(status, exp.Literal.string("unknown")), "status"),
        named(cases(cause, said.cause), "cause"),
        named(cases(none, said.evidence), "evidence"),
        named(cases(out, said.resolves), "resolves_on"),
        named(cases([*out, (known, NULL)], said.question), "question"),
        named(cases([*out, (known, NULL)], said.cost), "cost"),
    )


def _answer(answers: exp.Select, need: AnyNeed, number: int, protocol: Protocol) -> exp.Select:
    """Add the columns of one need, joined to every patient."""
    columns = _columns(need, number, protocol)
    if isinstance(need, Facts):
        answers = _joined(answers, _aliased(query(need, protocol.as_of), f"n{number}"))
        answers = _joined(answers, _aliased(_gaps(need, protocol), f"g{number}"))
        if need.window is not None:
            answers = _joined(answers, latest(need.window.anchor, f"a{number}"))
    document = need.document
    if document is not None:
        answers = _joined(answers, latest(document.concept, f"d{number}"))
        held = fragment(f"d{number}.lo = d{number}.hi")
        before, _, after = document.ask.partition("{date}")
        asked = fragment(
            f":before || STRFTIME(d{number}.hi, '%-d %B %Y') || :after", before=before, after=after
        )
        columns["q"] = cases([(held, asked)], exp.Literal.string(need.ask))
        columns["k"] = cases([(held.copy(), exp.convert(document.cost))], exp.convert(need.cost))
    named_columns = (named(tree, f"{name}{number}") for name, tree in columns.items())
    return answers.select(*named_columns, copy=False)


def _aliased(table: Sql, alias: str) -> exp.Subquery:
    return exp.Subquery(this=table, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def _joined(answers: exp.Select, table: exp.Subquery | exp.Table) -> exp.Select:
    on = f"{table.alias}.pno = person.pno"
    return answers.join(table, on=on, join_type="left", copy=False)


def _columns(need: AnyNeed, number: int, protocol: Protocol) -> dict[str, Sql]:
    columns: dict[str, Sql] = {
        "t": NULL,
        "c": NULL,
        "e": NO_EVIDENCE,
        "r": NULL,
        "q": exp.Literal.string(need.ask),
        "k": exp.convert(need.cost),
    }
    if isinstance(need, Person):
        columns["t"] = fragment("CAST(NULL AS BOOLEAN)")
        columns["c"] = exp.Literal.string("not-machine-decidable")
        columns["r"] = fragment("CAST(NULL AS DATE)")
    elif isinstance(need, Age):
        columns |= _age(need, protocol)
    else:
        columns |= _told(need, number, protocol)
    return columns


def _told(need: Facts, number: int, protocol: Protocol) -> dict[str, Sql]:
    """Return what facts say, or what their absence says."""
    table = f"n{number}"
    absent = fragment(f"COALESCE({table}.absent, TRUE)")
    lost = _lost(need, number, protocol)
    pairs: list[tuple[Sql, Sql]] = []
    causes: list[tuple[Sql, Sql]] = []
    if need.window is not None and isinstance(need, Value | Presence):
        unanchored = fragment(f"a{number}.pno IS NULL")
        pairs.append((unanchored, NULL))
        causes.append((unanchored, exp.Literal.string("no-data")))
    silent = fragment("CASE WHEN (:lost) IS NULL THEN FALSE END", lost=lost)
    pairs.append((absent, silent if _covered(need, protocol) else NULL))
    causes.append((absent, fragment("COALESCE(:lost, 'no-data')", lost=lost)))
    return {
        "t": cases(pairs, exp.column("truth", table=table)),
        "c": cases(causes, exp.column("cause", table=table)),
        "e": fragment(f"COALESCE({table}.evidence, :none)", none=NO_EVIDENCE),
        "r": exp.column("resolves", table=table),
    }


def _covered(need: Facts, protocol: Protocol) -> bool:
    return bool(need.covered_by) and set(need.covered_by) <= set(protocol.site.coverage)


def _relied(need: Facts, protocol: Protocol) -> list[str]:
    """Return the types whose completeness makes absence an answer."""
    names = need.covered_by if _covered(need, protocol) else ()
    return sorted({kind for name in names for kind in COVERAGE[name]})


def _gaps(need: Facts, protocol: Protocol) -> Sql:
    types = sorted({k for name in need.concepts for k in protocol.sets.sets[name].types})
    bears = exp.and_(
        one_of("type", types),
        exp.or_(
            fragment("cause = 'data-error'"),
            exp.and_(fragment("cause = 'local-code-unmapped'"), one_of("concept", need.concepts)),
        ),
    )
    relied = _relied(need, protocol)
    condition = exp.or_(bears, one_of("type", relied)) if relied else bears
    return (
        exp.select("pno", "MIN(cause) AS cause")
        .from_("gap_of")
        .where("pno > 0", condition)
        .group_by("pno")
    )


def _lost(need: Facts, number: int, protocol: Protocol) -> Sql:
    relied = _relied(need, protocol)
    own = exp.column("cause", table=f"g{number}")
    if not relied:
        return own
    anybody = exp.select("MIN(cause)").from_("gap_of").where("pno = 0", one_of("type", relied))
    return exp.Least(this=own, expressions=[exp.Subquery(this=anybody)], ignore_nulls=True)


def _age(need: Age, protocol: Protocol) -> dict[str, Sql]:
    day = protocol.as_of
    today = day.year * AGE_LIMIT + day.month * 100 + day.day

    def years(column: str) -> Sql:
        number = f"(YEAR({column}) * 10000 + MONTH({column}) * 100 + DAY({column}))"
        return fragment(f"(:today - {number}) // 10000", today=today)

    least, most = years("born_hi"), years("born_lo")
    parts = {"least": least, "most": most, "years": need.at_least_years}
    value = fragment("CASE WHEN (:least) = (:most) THEN CAST(:most AS TEXT) ELSE '' END", **parts)
    words = f">= {need.at_least_years} a"
    evidence = fragment(
        "CASE WHEN born_lo IS NULL THEN :none ELSE [{'type': 'Patient', 'id': person.id, "
        "'version': person.version, 'value': :value, "
        "'unit': CASE WHEN :value = '' THEN '' ELSE 'a' END, 'threshold': :words, "
        "'effective': [CAST(born_lo AS TEXT), CAST(born_hi AS TEXT)]}] END",
        none=NO_EVIDENCE,
        value=value,
        words=words,
    )
    birthday = fragment(
        "CASE WHEN born_lo = born_hi AND (:least) < :years THEN CAST(born_hi + "
        "TO_YEARS(:years) AS DATE) + CASE WHEN DAY(born_hi + TO_YEARS(:years)) < DAY(born_hi) "
        "THEN 1 ELSE 0 END END",
        **parts,
    )
    return {
        "t": fragment(
            "CASE WHEN born_lo IS NULL THEN NULL WHEN (:least) >= :years THEN TRUE "
            "WHEN (:most) >= :years THEN NULL ELSE FALSE END",
            **parts,
        ),
        "c": fragment(
            "CASE WHEN born_lo IS NULL AND born_broken THEN 'data-error' ELSE 'no-data' END"
        ),
        "e": evidence,
        "r": birthday,
    }
