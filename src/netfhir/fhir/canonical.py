"""One byte form of a resource: keys sorted, decimals exactly as they were given.

A `Decimal` is written by its digits (7.40 stays 7.40); a float has no place in a resource.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

Json: TypeAlias = dict[str, Any]
_SAFE_DIGITS = 18


def _decimal(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    name = type(value).__name__
    raise TypeError(f"{name} has no place in a resource")


def _refuse_floats(parts: Iterable[object]) -> None:
    for part in parts:
        kind = type(part)
        if kind is dict:
            _refuse_floats(cast("Json", part).values())
        elif kind is list or kind is tuple:
            _refuse_floats(cast("list[object]", part))
        elif kind is float:
            raise TypeError("float has no place in a resource")


def to_bytes(body: object) -> bytes:
    """Return the canonical UTF-8 JSON of `body`; TypeError for what has no place in it."""
    _refuse_floats((body,))
    return orjson.dumps(body, default=_decimal, option=orjson.OPT_SORT_KEYS)


def from_bytes(text: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON, each number with a point or an exponent, or a very long one, as a `Decimal`."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def _integer(digits: str) -> int | Decimal:
    """Return an integer; as a `Decimal` what may have more than the 64 bits that can be written."""
    return int(digits) if len(digits) <= _SAFE_DIGITS else Decimal(digits)


def resource(text: bytes | str) -> Json:
    """Read one JSON object."""
    return cast("Json", from_bytes(text))
