"""Reads ``WWW-Authenticate``, as a registry sends it::

Bearer realm="https://auth.example/token",service="registry.example",scope="repository:team/shop:pull"
Basic realm="Registry Realm"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[ \t,]*({_TOKEN})(?=[ \t]|,|$)", re.ASCII)
_PARAMETER = re.compile(rf'[ \t,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))', re.ASCII)
_QUOTED_PAIR = re.compile(r"\\(.)")
_LONGEST = 8_192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers; the scheme in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read every challenge of every header (RFC 9110, 11.6.1), ignoring from where one stops making sense."""
    return [challenge for header in headers for challenge in _of_header(header[:_LONGEST])]


def _of_header(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = 0
    while scheme := _SCHEME.match(header, position):
        parameters: dict[str, str] = {}
        position = scheme.end()
        while parameter := _PARAMETER.match(header, position):
            name, quoted, plain = parameter.groups()
            parameters.setdefault(name.lower(), plain if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted))
            position = parameter.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found
