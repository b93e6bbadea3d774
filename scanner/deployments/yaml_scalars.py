"""What a YAML scalar *is*, for the program that will read the file.

Two readers, both in Go, and they differ:

===============  ==========================================  ===================================
written          Kubernetes (goyaml v2, then JSON)            Compose (yaml v3)
===============  ==========================================  ===================================
``yes`` ``on``   true                                         the text
``0o17``         15                                           15
``01000``        512, octal                                   512, octal
``1_000``        1000                                         1000
``1e3``          1000.0, which JSON writes as 1000            1000.0
``1000:1000``    the text: neither knows base 60              the text
``"0"``          the text                                     the text
===============  ==========================================  ===================================

Source: sigs.k8s.io/yaml ``goyaml.v2/resolve.go`` and ``goyaml.v3/resolve.go``. PyYAML would take ``1000:1000`` for the
number 61000, so none of its constructors is used.
"""

from __future__ import annotations

import re
from enum import StrEnum

Value = str | int | float | bool | None


class Dialect(StrEnum):
    """Who reads the file."""

    KUBERNETES = "kubernetes"
    COMPOSE = "compose"


_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_OLD_TRUE = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_OLD_FALSE = {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
_ODD_FLOATS = re.compile(r"[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_INTEGER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))",
    re.ASCII,
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-", re.ASCII)
_LONGEST_NUMBER = 400
"""Characters; a longer one is beyond every float, and costs Python time to read."""

_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_LEAST, _MOST = -(2**63), 2**64 - 1


def resolve_plain(text: str, dialect: Dialect) -> Value:
    """The value of a scalar without quotes and without a tag."""
    if text in _NULL:
        return None
    if text in _TRUE or (dialect is Dialect.KUBERNETES and text in _OLD_TRUE):
        return True
    if text in _FALSE or (dialect is Dialect.KUBERNETES and text in _OLD_FALSE):
        return False
    if _ODD_FLOATS.fullmatch(text):
        return float("nan")
    if text[0] in "+-.0123456789" and not _DATE.match(text):
        number = _number(text)
        return text if number is None else number
    return text


def _number(text: str) -> int | float | None:
    plain = text.replace("_", "") if text[0] != "." else text
    if len(plain) > _LONGEST_NUMBER:
        return float("inf") if plain.lstrip("+-").isdecimal() else None
    found = _INTEGER.fullmatch(plain)
    if found:
        base = next(name for name in _BASES if found[name] is not None)
        value = int(found["sign"] + found[base], _BASES[base])
        if _LEAST <= value <= _MOST:
            return value
    return float(plain) if _FLOAT.fullmatch(plain) else None


def go_integer(value: Value) -> int | None:
    """The integer that ``encoding/json`` decodes into an ``int64``; ``None`` where it refuses."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A float without a fraction is written as an integer by encoding/json, up to 1e21.
    if isinstance(value, float) and not (abs(value) < 1e21 and value.is_integer()):
        return None
    whole = int(value)
    return whole if -(2**63) <= whole < 2**63 else None


def go_kind(value: Value) -> str:
    """What ``encoding/json`` calls a value it cannot decode."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    return f"number {_as_json(value)}"


def _as_json(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)
