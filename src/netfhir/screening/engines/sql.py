"""SQL as a tree: fragments of closed text, parsed once, with values put in as literals.

No value is ever part of a text that is parsed. Source of the tree: sqlglot.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one

if TYPE_CHECKING:
    from collections.abc import Iterable

Sql = exp.Expr
DIALECT = "duckdb"


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Sql:
    return parse_one(text, read=DIALECT)


def fragment(text: str, **parts: object) -> Sql:
    """Return a tree with `:name` replaced by a literal, or by a tree given as such."""
    values = {
        name: part if isinstance(part, exp.Expr) else exp.convert(part)
        for name, part in parts.items()
    }

    def put(node: Sql) -> Sql:
        if isinstance(node, exp.Placeholder) and node.name in values:
            return values[node.name]
        return node

    return _parsed(text).copy().transform(put, copy=False)


def one_of(column: str, values: Iterable[str]) -> Sql:
    """Return whether a column holds one of these texts."""
    return exp.column(column).isin(*[exp.Literal.string(value) for value in values])


def named(tree: Sql, name: str) -> Sql:
    """Return a tree under a name."""
    return exp.alias_(tree, name, copy=False)


def cases(pairs: Iterable[tuple[Sql, Sql]], other: Sql) -> Sql:
    """Return the first result whose condition is true, or the other one."""
    ifs = [exp.If(this=condition, true=result) for condition, result in pairs]
    return exp.Case(ifs=ifs, default=other) if ifs else other


def text(tree: Sql) -> str:
    """Return the statement for DuckDB; the tree is used up."""
    return tree.sql(dialect=DIALECT, copy=False)
